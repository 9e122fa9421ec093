import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The Debian package of each program that the interop tests run. */
const PACKAGES = {
  sipp: 'sip-tester',
  chromium: 'chromium',
  baresip: 'baresip-core',
  kamailio: 'kamailio',
  sipsak: 'sipsak',
  xmllint: 'libxml2-utils',
  svmap: 'sipvicious',
  svwar: 'sipvicious',
  svcrack: 'sipvicious',
} as const;

/** Where the program is; throws with the way to install it where it is missing. */
export function program(name: keyof typeof PACKAGES): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      const path = join(folder, name);
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  throw new Error(`${name} is not installed: apt-get install ${PACKAGES[name]}`);
}
