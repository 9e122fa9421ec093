import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Figure, Measurement } from './figure.ts';

/** Least rate of issue 2, INVITEs/s in one thread. */
const GOAL = 150_000;

/** (a) Parse and splice, by scan.ts in a process of its own: its figures are of one thread that does nothing else. */
export const codec: Measurement = {
  name: 'codec',
  async measure() {
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'scan.ts')]);
    return stdout
      .trim()
      .split('\n')
      .map((line, index): Figure => {
        const { name, median, unit } = JSON.parse(line) as { name: string; median: number; unit: string };
        return { name, value: median, unit, ...(index === 0 && { goal: { at: 'least', value: GOAL } }) };
      });
  },
};
