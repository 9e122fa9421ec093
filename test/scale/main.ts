/** `npm run scale`: 10,000, 100,000 and 1,000,000 users by simulation. Ends with 1 where something does not hold that docs/scale.md says. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Played, playDeployment } from './deployment.ts';
import { compareWithBench } from './figures.ts';
import { BUSY_PART, CALLS_A_DAY } from './habits.ts';
import { layout } from './layout.ts';
import { type Findings, picture, problems, tables } from './report.ts';

const USAGE = `npm run scale -- [--users N]... [--seed S] [--write]
  Plays deployments of so many users (by default 10000, 100000 and 1000000) and prints the tables; --write puts them into docs/scale.md, and its picture beside it.
`;
const { values } = parseArgs({
  options: { users: { type: 'string', multiple: true }, seed: { type: 'string' }, write: { type: 'boolean' } },
});
const sizes = (values.users ?? ['10000', '100000', '1000000']).map(Number);
const seed = Number(values.seed ?? 1);
if (!sizes.every((users) => Number.isInteger(users) && users >= 5000) || !Number.isInteger(seed)) {
  process.stderr.write(USAGE);
  process.exit(2);
}

/** Changes a second of a user in the busy hour: four for each call that is taken part in. */
const CHANGES_A_USER = (CALLS_A_DAY * BUSY_PART * 4) / 3600;
/** Of the small domains so many are played for the whole day: their sites are alike. */
const SMALL_WHOLE_DAY = 40;
/** Other numbers of boards for the large domain. */
const OTHER_SHARDS = [1, 4];

const say = (text: string) => void process.stderr.write(`${text}\n`);
const layoutOf = (users: number) => layout({ users, changesAUser: CHANGES_A_USER, smallWholeDay: SMALL_WHOLE_DAY });
const played: Played[] = sizes.map((users) => {
  say(`${users} users`);
  return playDeployment(layoutOf(users), seed, say);
});

const last = layoutOf(sizes.at(-1) ?? 0);
const large = last.sites.filter(({ kind }) => kind === 'large').map((site) => ({ ...site, wholeDay: false }));
const shards = OTHER_SHARDS.map((count) => {
  say(`${last.largest} users of one domain on ${count} boards`);
  const { peaks } = playDeployment({ ...last, sites: large, shards: count }, seed);
  return { shards: count, board: peaks.board };
});
shards.push({ shards: last.shards, board: played.at(-1)?.peaks.board ?? 0 });

const command = `npm run scale${seed === 1 ? '' : ` -- --seed ${seed}`}`;
const findings: Findings = { played, shards, bench: compareWithBench(), command };
process.stdout.write(`${tables(findings)}\n`);
if (values.write) {
  const docs = join(import.meta.dirname, '../../docs');
  const page = join(docs, 'scale.md');
  const [begin, end] = ['<!-- made by npm run scale -- --write -->', '<!-- end of what is made -->'];
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/scale.md has not the lines ${begin} and ${end}`);
  writeFileSync(page, `${text.slice(0, from)}${begin}\n\n${tables(findings)}\n\n${text.slice(to)}`);
  writeFileSync(join(docs, 'scale.svg'), picture(findings));
}
const wrong = problems(findings);
for (const text of wrong.slice(0, 50)) say(`NOT SO: ${text}`);
say(wrong.length === 0 ? 'all of it holds' : `${wrong.length} things do not hold`);
process.exit(wrong.length === 0 ? 0 : 1);
