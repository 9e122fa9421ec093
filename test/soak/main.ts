/** `npm run soak -- --minutes 30`: calls and registrations with churn for a long time. Ends with 1 where a line of its table is not met. */
import { parseArgs } from 'node:util';
import { DEFAULT_SOAK, type SoakSettings, soak } from './soak.ts';
import { isMet, table } from './verdict.ts';

const USAGE = `npm run soak -- [--minutes N] [--calls N] [--registers N] [--users N] [--seed S]
  By default ${DEFAULT_SOAK.minutes} minutes of ${DEFAULT_SOAK.calls} calls/s and ${DEFAULT_SOAK.registers} REGISTER/s by ${DEFAULT_SOAK.users} users.
  Memory is flat only when it is warm: of less than about five minutes the first third is too short for that.
`;

const NAMES = ['minutes', 'calls', 'registers', 'users', 'seed'] as const;
const { values } = parseArgs({
  options: Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }])),
});
const settings: SoakSettings = {
  ...DEFAULT_SOAK,
  ...Object.fromEntries(NAMES.flatMap((name) => (values[name] === undefined ? [] : [[name, Number(values[name])]]))),
};
if (!NAMES.every((name) => settings[name] > 0)) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const { minutes, calls, registers, users, seed } = settings;
process.stderr.write(`${minutes} minutes, ${calls} calls/s, ${registers} REGISTER/s, ${users} users, seed ${seed}\n`);
const lines = await soak(settings, (text) => process.stderr.write(`${text}\n`));
process.stdout.write(`${table(lines)}\n`);
const missed = lines.filter((line) => !isMet(line)).length;
process.stdout.write(missed === 0 ? 'every line is met\n' : `${missed} lines are not met\n`);
process.exit(missed === 0 ? 0 : 1);
