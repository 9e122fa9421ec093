import { readFileSync, statSync } from 'node:fs';
import type { FileText } from './file.ts';

/** Read where `--config` names none, if it is there. */
export const DEFAULT_FILE = 'offhook.toml';

/** Longest configuration file, bytes. */
const LONGEST = 1024 * 1024;

/** A configuration file; undefined where none is asked for and none is there; `trouble` says why it cannot be read. */
export type OpenFile = (name: string | undefined) => FileText | { readonly name: string; readonly trouble: string } | undefined;

/** Reads the file that was named, else `offhook.toml` in the working directory. */
export const openFile: OpenFile = (asked) => {
  const name = asked ?? DEFAULT_FILE;
  try {
    if (statSync(name).size > LONGEST) return { name, trouble: `is longer than ${LONGEST} bytes` };
    return { name, text: readFileSync(name, 'utf8') };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') return { name, trouble: `cannot be read: ${message}` };
    return asked === undefined ? undefined : { name, trouble: 'is not there' };
  }
};
