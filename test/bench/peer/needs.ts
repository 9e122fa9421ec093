import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian puts Kamailio's modules: below the folder of the machine's architecture. */
const LIBRARIES = '/usr/lib';
const SCHEMAS = '/usr/share/kamailio/db_sqlite';

/** Programs and modules that the bench needs, with the Debian package of each. */
const PROGRAMS = { kamailio: 'kamailio', kamcmd: 'kamailio', sipp: 'sip-tester' } as const;
const MODULES = {
  'dialog.so': 'kamailio',
  'rtimer.so': 'kamailio',
  'presence.so': 'kamailio-presence-modules',
  'presence_xml.so': 'kamailio-presence-modules',
  'presence_dialoginfo.so': 'kamailio-presence-modules',
  'pua.so': 'kamailio-presence-modules',
  'pua_dialoginfo.so': 'kamailio-presence-modules',
  'pua_usrloc.so': 'kamailio-presence-modules',
  'db_sqlite.so': 'kamailio-sqlite-modules',
} as const;

/** What is missing on this machine and how to install it; undefined where all is there. `has` looks for a program and for a module. */
export function missing(
  has: { program(name: string): boolean; module(name: string): boolean } = { program: isProgram, module: isModule },
): string | undefined {
  const lacking = [
    ...Object.entries(PROGRAMS).filter(([name]) => !has.program(name)),
    ...Object.entries(MODULES).filter(([name]) => !has.module(name)),
  ];
  if (lacking.length === 0) return undefined;
  const names = lacking.map(([name]) => name).join(', ');
  const packages = [...new Set(lacking.map(([, name]) => name))].join(' ');
  return `not installed: ${names}\n  apt-get install --no-install-recommends ${packages}\n`;
}

/** The files that make the tables which module pua reads at its start. */
export const schemaFiles = (): string[] => ['standard', 'presence'].map((name) => join(SCHEMAS, `${name}-create.sql`));

function isProgram(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function isModule(name: string): boolean {
  const folders = existsSync(LIBRARIES) ? readdirSync(LIBRARIES) : [];
  return ['', ...folders].some((folder) => existsSync(join(LIBRARIES, folder, 'kamailio/modules', name)));
}
