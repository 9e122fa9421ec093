import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { svgOf } from './chart.ts';
import { climb, faultsOf, type Length, type Step } from './climb.ts';
import { dialogsOf } from './dialog-watch.ts';
import { missing } from './needs.ts';
import { keptAs, lastRuns, type PeerResults, pageWith, repeatedReport, reportOf, resultsIn } from './page.ts';
import { COMPARED, FULL, GROUPS, groupsOf, LADDER, QUICK, TOP } from './plan.ts';
import { PROBED } from './probe.ts';
import { repeatedOf } from './repeated.ts';
import { failuresOf, NOTHING, ofRuns, type Row, ratioOf, verdictOf } from './row.ts';
import { type CallState, Sightings } from './sightings.ts';
import { markdownTable, repeatedMarkdown, repeatedText, textTable } from './table.ts';
import { Turns } from './turns.ts';
import { Crowd, nameOf } from './users.ts';

const row = (more: Partial<Row> = {}): Row => ({
  group: 'cpu',
  name: 'processor time',
  unit: 's',
  ours: { value: 1 },
  peer: { value: 2 },
  ...more,
});

const step = (rate: number, more: Partial<Step> = {}): Step => ({
  rate,
  count: 10 * rate,
  failed: 0,
  retransmissions: 0,
  took: 11.3,
  ideal: 11.25,
  wrong: [],
  saturated: [],
  ...more,
});

describe('Offhook bench beside a peer: rows', () => {
  it('has the ratio of both, and none where one has no number or the peer has nothing', () => {
    expect(ratioOf(row())).toBe(0.5);
    expect(ratioOf(row({ peer: NOTHING }))).toBeUndefined();
    expect(ratioOf(row({ peer: { value: 0 } }))).toBeUndefined();
    expect(ratioOf(row({ peer: { value: Number.POSITIVE_INFINITY, text: 'not seen to end' } }))).toBeUndefined();
  });

  it('is met or missed by our value or by the ratio; a stretch is not missed', () => {
    expect(verdictOf(row())).toBe('');
    expect(verdictOf(row({ goal: { of: 'ratio', at: 'most', value: 0.5 } }))).toBe('met');
    expect(verdictOf(row({ goal: { of: 'ratio', at: 'least', value: 0.6 } }))).toBe('MISSED');
    expect(verdictOf(row({ goal: { of: 'ours', at: 'most', value: 0.9 } }))).toBe('MISSED');
    expect(verdictOf(row({ goal: { of: 'ours', at: 'most', value: 0.9, stretch: true } }))).toBe('not reached');
  });

  it('fails, whatever its values, where the measuring failed on a side that the goal looks at, or gave no number', () => {
    const failed = ofRuns([1], ['3 of 8000 calls failed']);
    const goal = { of: 'ours', at: 'most', value: 5 } as const;
    expect(verdictOf(row({ ours: failed, goal }))).toBe('FAILED');
    expect(verdictOf(row({ peer: failed }))).toBe('FAILED');
    expect(verdictOf(row({ peer: failed, goal }))).toBe('met');
    expect(verdictOf(row({ ours: NOTHING, goal }))).toBe('FAILED');
    expect(failuresOf(row({ peer: failed }))).toEqual(['Kamailio: 3 of 8000 calls failed']);
  });

  it('tells the median of its runs', () => {
    expect(ofRuns([3, 1, 2])).toEqual({ value: 2, runs: [3, 1, 2] });
    expect(ofRuns([0.123456])).toEqual({ value: 0.123 });
  });
});

describe('Offhook bench beside a peer: tables', () => {
  const rows = [
    row({ goal: { of: 'ratio', at: 'most', value: 0.5 }, note: 'of the whole' }),
    row({
      name: 'states | stuck',
      ours: { value: 0 },
      peer: { value: Number.NaN, text: 'not within <20 s>', failed: ['a frame is missing'] },
    }),
    row({ name: 'highest', ours: { value: 12_000, text: 'or more' }, note: 'of the whole' }),
  ];

  it('has a line for each row, and what failed below the first row that it fails', () => {
    const lines = textTable([...rows, ...rows.slice(1, 2)]).split('\n');
    expect(lines).toHaveLength(6);
    expect(lines[5]).toMatch(/FAILED$/);
    expect(lines[0]).toMatch(/^measured +Offhook +Kamailio +unit +ratio +goal$/);
    expect(lines[1]).toMatch(/^processor time +1 +2 +s +0\.5 +ratio at most 0\.5 +met$/);
    expect(lines[2]).toMatch(/^states \| stuck +0 +not within <20 s> +s +FAILED$/);
    expect(lines[3]).toBe('    FAILED Kamailio: a frame is missing');
    expect(lines[4]).toMatch(/^highest +12,000 or more /);
  });

  it('is Markdown with the notes numbered below, each once, and nothing in it that ends a cell', () => {
    const lines = markdownTable(rows).split('\n');
    expect(lines.slice(0, 2)).toEqual([
      '| measured | Offhook | Kamailio | unit | ratio | goal |  |',
      '| --- | ---: | ---: | --- | ---: | --- | --- |',
    ]);
    expect(lines[2]).toBe('| processor time (1) | 1 | 2 | s | 0.5 | ratio at most 0.5 | met |');
    expect(lines[3]).toBe('| states \\| stuck (2) | 0 | not within &lt;20 s> | s |  |  | FAILED |');
    expect(lines[4]).toContain('| highest (1) | 12,000 or more |');
    expect(lines.slice(5)).toEqual(['', '1. of the whole', '2. Kamailio: a frame is missing']);
  });
});

describe('Offhook bench beside a peer: rising rates', () => {
  it('is clean with less than one in a thousand failed or sent again, on time, and presence right', () => {
    expect(faultsOf(step(100, { failed: 0 }))).toEqual([]);
    expect(faultsOf(step(1000, { failed: 4, retransmissions: 5 }))).toEqual([]);
    expect(faultsOf(step(1000, { failed: 5, retransmissions: 5 }))).toEqual(['5 of 10000 failed, 5 retransmissions']);
    expect(faultsOf(step(100, { took: 12 }))).toEqual(['took 12.0 s instead of 11.3']);
    expect(faultsOf(step(100, { wrong: ['2 users stuck'] }))).toEqual(['2 users stuck']);
  });

  /** A server that is clean for a moment up to one rate, and for long up to another. */
  const server = (brief: number, long: number, saturated: readonly string[] = []) => {
    const tried: string[] = [];
    const attempt = async (rate: number, length: Length) => {
      tried.push(`${rate} ${length}`);
      return step(rate, rate > (length === 'brief' ? brief : long) ? { failed: 10 * rate, saturated } : {});
    };
    return { tried, attempt };
  };
  const rungs = [900, 1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700];
  const known = { steps: [step(200), step(800)], stride: 3 };

  it('climbs by brief steps, then looks by long ones between the last that was clean and the first that was not', async () => {
    const { tried, attempt } = server(1250, 1250);
    const found = await climb(rungs, known, attempt);
    expect(tried).toEqual(['1100 brief', '1400 brief', '1200 long', '1300 long']);
    expect(found).toMatchObject({ highest: 1200, end: '1300/s: 13000 of 13000 failed, 0 retransmissions', bound: false });
    expect(found.steps).toHaveLength(6);
  });

  it('takes no rate for clean that was so for a moment alone: it goes down to one that can be kept up', async () => {
    const { tried, attempt } = server(1500, 950);
    const found = await climb(rungs, known, attempt);
    expect(tried.slice(0, 3)).toEqual(['1100 brief', '1400 brief', '1700 brief']);
    expect(found.highest).toBe(900);
    expect(found.end).toMatch(/^1000\/s: /);
    for (const long of [1650, 1450, 1350, 1150, 1050, 950, 850]) {
      const one = await climb(rungs, known, server(1650, long).attempt);
      expect([long, one.highest]).toEqual([long, Math.max(800, Math.floor(long / 100) * 100)]);
    }
  });

  it('looks below a known rate that was not clean, and finds nothing where none was', async () => {
    const ladder = [200, 300, 400, 500, ...rungs];
    const half = await climb(ladder, { steps: [step(200), step(800, { failed: 900 })], stride: 3 }, server(450, 450).attempt);
    expect(half).toMatchObject({ highest: 400, bound: false });
    const none = { steps: [step(200, { failed: 900 }), step(800, { failed: 900 })], stride: 3 };
    expect(await climb(ladder, none, server(0, 0).attempt)).toMatchObject({ highest: 0, bound: false });
  });

  it('is a lower bound where the load generator was at its limit, the ladder ended, or no higher rate was tried', async () => {
    const limited = await climb(rungs, known, server(1250, 1250, ['SIPp took 97 % of a core']).attempt);
    expect(limited).toMatchObject({ highest: 1200, bound: true });
    expect(limited.end).toContain('SIPp took 97 % of a core');
    expect(await climb(rungs, known, server(9000, 9000).attempt)).toMatchObject({ highest: 1700, end: undefined, bound: true });
    expect(await climb([], known, server(0, 0).attempt)).toMatchObject({ highest: 800, end: undefined, bound: true });
  });
});

describe('Offhook bench beside a peer: turns', () => {
  it('gives one at a time, in the order asked, however often one is given back', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const first = await turns.take();
    const others = ['second', 'third'].map(async (name) => {
      const release = await turns.take();
      order.push(name);
      await Promise.resolve();
      order.push(`${name} over`);
      release();
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([]);
    first();
    first();
    await Promise.all(others);
    expect(order).toEqual(['second', 'second over', 'third', 'third over']);
  });
});

describe('Offhook bench beside a peer: users', () => {
  it('have names of four characters, each once', () => {
    const names = Array.from({ length: 30_000 }, (_, n) => nameOf(n));
    expect(new Set(names).size).toBe(30_000);
    expect(names.every((name) => /^[0-9a-z]\d{3}$/.test(name))).toBe(true);
  });

  it('call in pairs, in turn, and the watched are of both halves', () => {
    const crowd = new Crowd(8);
    expect(crowd.pairs).toEqual([
      ['0000', '0004'],
      ['0001', '0005'],
      ['0002', '0006'],
      ['0003', '0007'],
    ]);
    expect(crowd.watched(4)).toEqual(['0000', '0005', '0002', '0007']);
    expect([...crowd.callsOf(['0000', '0005'], 6, (n) => `c${n}`)]).toEqual([
      ['0000', ['c1', 'c5']],
      ['0005', ['c2', 'c6']],
    ]);
    expect(crowd.lastOf(5, 2)).toEqual(['0003', '0007', '0000', '0004']);
    expect(crowd.lastOf(1, 9)).toEqual(['0000', '0004']);
  });
});

describe('Offhook bench beside a peer: what is run', () => {
  it('is every group, or those named, in their order', () => {
    expect(groupsOf([])).toEqual({ groups: GROUPS, unknown: [] });
    expect(groupsOf(['lag,cpu', 'race'])).toEqual({ groups: ['cpu', 'lag', 'race'], unknown: [] });
    expect(groupsOf(['lag,speed'])).toEqual({ groups: ['lag'], unknown: ['speed'] });
  });

  it.each([FULL, QUICK])(
    'has users enough that nobody is in two calls at 800, and so many that the watched are spread evenly (%#)',
    (plan) => {
      expect(plan.users / 2 / 800).toBeGreaterThan(1.25);
      expect(plan.users % 400).toBe(0);
    },
  );

  it('climbs rates that are at most 15 % apart, those that are compared among them', () => {
    expect(LADDER).toEqual(expect.arrayContaining([...COMPARED, TOP.calls, TOP.registers]));
    for (const [n, rate] of LADDER.slice(1).entries()) {
      expect(rate / (LADDER[n] ?? 0)).toBeGreaterThan(1.09);
      expect(rate / (LADDER[n] ?? 0)).toBeLessThan(1.15);
    }
  });

  it('is in a full run what the comparison names', () => {
    expect(FULL.race.rate * FULL.race.seconds).toBe(11_400);
    expect(FULL.memory).toEqual({ bindings: 10_000, dialogs: 1000 });
    expect(FULL.lag.rounds * FULL.lag.calm * PROBED).toBeGreaterThanOrEqual(300);
  });
});

describe('Offhook bench beside a peer: SVG', () => {
  const chart = {
    title: 'Lag <ms>',
    x: 'calls/s',
    y: 'ms',
    logarithmic: true,
    lines: [
      { name: 'Offhook "p50"', colour: 'blue', points: [[200, 2] as const, [800, 30] as const, [900, Number.NaN] as const] },
      { name: 'peer', colour: 'red', dashed: true, points: [] },
    ],
  };

  it('is well-formed, with a line for each, and leaves out what is no number', () => {
    const svg = svgOf([chart, { ...chart, logarithmic: false }]);
    const open = [...svg.matchAll(/<(\w+)(?:\s[^<>]*?)?(\/?)>/g)].filter(([, , closed]) => closed === '').map(([, name]) => name);
    const close = [...svg.matchAll(/<\/(\w+)>/g)].map(([, name]) => name);
    expect(open.toSorted()).toEqual(close.toSorted());
    expect(svg.match(/<polyline/g)).toHaveLength(4);
    expect(svg.match(/<circle/g)).toHaveLength(4);
    expect(svg).not.toContain('NaN');
    expect(svg).toContain('<title>Lag &lt;ms&gt;; Lag &lt;ms&gt;</title>');
    expect(svg).toContain('Offhook &quot;p50&quot;');
  });

  it('puts higher values higher, and powers of ten evenly apart', () => {
    const points = [[1, 1] as const, [2, 10] as const, [3, 100] as const];
    const svg = svgOf([{ ...chart, lines: [{ name: 'a', colour: 'blue', points }] }]);
    const [low, middle, high] = [...svg.matchAll(/cy="([\d.]+)"/g)].map(([, y]) => Number(y)) as [number, number, number];
    expect(low - middle).toBeCloseTo(middle - high, 0);
    expect(high).toBeLessThan(middle);
  });
});

describe('Offhook bench beside a peer: what a watcher saw', () => {
  const told = (...calls: [string, CallState][]) => new Map(calls);

  it('is each call up and over, once; a call that is not told any more is over', () => {
    const seen = new Sightings();
    const ups: string[] = [];
    seen.onUp = (user, callId) => ups.push(`${user} ${callId}`);
    const expected = new Map([
      ['a', ['1', '2', '3']],
      ['b', ['1']],
    ]);
    seen.calls('a', told(['1', 'early']));
    expect(ups).toEqual([]);
    seen.calls('a', told(['1', 'up'], ['2', 'up']));
    expect(seen.missing(expected)).toEqual({ expected: 4, up: 2, over: 4 });
    seen.calls('a', told(['1', 'over'], ['2', 'up']));
    seen.calls('a', told());
    seen.calls('b', told(['1', 'up']));
    expect(ups).toEqual(['a 1', 'a 2', 'b 1']);
    expect(seen.missing(expected)).toEqual({ expected: 4, up: 1, over: 2 });
    expect(seen.busy()).toEqual(['b up']);
    expect([seen.isTalking('a'), seen.isTalking('b')]).toEqual([false, true]);
    expect([seen.busy('1'), seen.busy('2')]).toEqual([['b up'], []]);
    seen.forget();
    expect(seen.missing(expected)).toEqual({ expected: 4, up: 4, over: 4 });
    expect(seen.busy()).toEqual(['b up']);
  });

  it('tells the moment in which something is so, and nothing where it is not so in time', async () => {
    const seen = new Sightings();
    const before = performance.now();
    const registered = seen.moment(() => seen.isRegistered('a'), 5000);
    const talking = seen.moment(() => seen.isTalking('a'), 5000);
    seen.registered('a', true);
    expect(await registered).toBeGreaterThanOrEqual(before);
    seen.calls('a', told(['1', 'up']));
    expect(await talking).toBeGreaterThanOrEqual(before);
    expect(await seen.moment(() => seen.isTalking('a'), 0)).toBeGreaterThan(before);
    expect(await seen.moment(() => seen.isTalking('b'), 1)).toBeUndefined();
  });

  it('RFC 4235: reads the dialogs of a document by Call-ID, and none of a document without calls', () => {
    const dialog = (id: string, state: string) =>
      `<dialog id="x" call-id="${id}" direction="initiator">\r\n  <state>${state}</state></dialog>`;
    const body = `<dialog-info>${dialog('1', 'Trying')}${dialog('2', 'confirmed')}${dialog('3', 'terminated')}</dialog-info>`;
    expect([...dialogsOf(body)]).toEqual([
      ['1', 'early'],
      ['2', 'up'],
      ['3', 'over'],
    ]);
    expect(dialogsOf('<dialog-info><dialog id="0"><state>terminated</state></dialog></dialog-info>').size).toBe(0);
  });
});

describe('Offhook bench beside a peer: what is missing', () => {
  it('is named with the packages that bring it, each once', () => {
    const none = { program: () => false, module: () => false };
    expect(missing({ program: () => true, module: () => true })).toBeUndefined();
    expect(missing({ ...none, program: (name) => name !== 'sipp', module: () => true })).toBe(
      'not installed: sipp\n  apt-get install --no-install-recommends sip-tester\n',
    );
    expect(missing(none)).toMatch(/install-recommends kamailio sip-tester kamailio-presence-modules kamailio-sqlite-modules\n$/);
  });
});

describe('Offhook bench beside a peer: several runs', () => {
  const runs = [1, 1.1, 1.3].map((value, n) => [
    row({ ours: { value } }),
    row({ name: 'rate', ours: { value: 10 + n / 10 } }),
    row({ name: 'rate, beside the peer', ours: { value: 10 + n / 10 } }),
    row({ name: 'stuck', ours: { value: 0 }, ...(n === 1 && { peer: { value: 0 } }) }),
    row({ name: 'lost', ours: { value: 0 }, peer: { value: 3 } }),
    row({ name: 'lag', ours: n === 0 ? { value: 1, failed: ['a frame is missing'] } : { value: 1 } }),
    row({ name: 'restart', peer: { value: Number.POSITIVE_INFINITY } }),
  ]);

  it('has the ratio of each, the median and the spread, and marks what differs by 15 % or more', () => {
    const found = repeatedOf(runs);
    expect(found.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['processor time', 'UNSTEADY'],
      ['rate', ''],
      ['stuck', 'not in every run'],
      ['lost', ''],
      ['lag', 'FAILED'],
    ]);
    expect(found[0]).toMatchObject({ ratios: [0.5, 0.55, 0.65], median: 0.55, spread: 0.273 });
    expect(found[2]?.ratios).toEqual([0, undefined, 0]);
    expect(found[3]).toMatchObject({ median: 0, spread: 0 });
    expect(repeatedOf([runs[0] ?? [], runs[0] ?? []]).filter(({ verdict }) => verdict === 'UNSTEADY')).toEqual([]);
  });

  it('is a table for a terminal and for a page, and says how many are steady', () => {
    const lines = repeatedText(repeatedOf(runs)).split('\n');
    expect(lines[0]).toMatch(/^ratio of +run 1 +run 2 +run 3 +median +spread$/);
    expect(lines[1]).toMatch(/^processor time +0\.5 +0\.55 +0\.65 +0\.55 +27\.3 % +UNSTEADY$/);
    expect(lines.at(-1)).toBe('2 of 5 ratios differ by less than 15 % of their median between the runs.');
    expect(repeatedMarkdown(repeatedOf(runs)).split('\n').slice(1, 3)).toEqual([
      '| --- | ---: | ---: | ---: | ---: | ---: | --- |',
      '| processor time | 0.5 | 0.55 | 0.65 | 0.55 | 27.3 % | UNSTEADY |',
    ]);
  });
});

describe('Offhook bench beside a peer: the page', () => {
  const results: PeerResults = {
    at: '2026-11-24T13:10:00.000Z',
    quick: true,
    machine: { node: 'v24', linux: '6', cores: 2, cpu: 'a processor' },
    took: 480,
    others: 0,
    rows: [
      row({ goal: { of: 'ratio', at: 'most', value: 0.1 } }),
      row({ name: 'lag', ours: { value: 9 }, goal: { of: 'ratio', at: 'most', value: 1, stretch: true } }),
      row({ name: 'restart', peer: { value: Number.POSITIVE_INFINITY, text: 'not within 20 s' } }),
      row({ name: 'highest', ours: { value: 5, failed: ['a frame is missing'] } }),
      row({ name: 'stuck', ours: NOTHING, goal: { of: 'ours', at: 'most', value: 0 } }),
    ],
  };

  it('tells the run, names what is missed, not reached and failed, and keeps what JSON cannot', () => {
    const report = reportOf(resultsIn(JSON.stringify(results)));
    expect(report).toMatch(/^A quick run of 2026-11-24 13:10 UTC, 8 minutes, on 2 cores/);
    expect(report).toContain('Missed:\n\n- processor time\n');
    expect(report).toContain('not reached:\n\n- lag\n');
    expect(report).toMatch(/Failed in the measuring itself[^\n]*:\n\n- highest$/);
    expect(report).toContain('| restart | 1 | not within 20 s |');
    expect(report).toMatch(/\| stuck \| - \|.*\| FAILED \|/);
    expect(report).not.toContain('quiet machine');
    expect(reportOf({ ...results, others: 1.2 })).toContain('others took up to 1.2 of its 2 cores');
  });

  it('has the ratios of several runs below, with when they were and which were disturbed', () => {
    const report = repeatedReport([
      { ...results, others: 1 },
      { ...results, at: '2026-11-24T14:10:00.000Z' },
    ]);
    expect(report).toMatch(
      /^### The ratios of 2 runs\n\nOf 2026-11-24 13:10, 2026-11-24 14:10 UTC, 1 of them not on a quiet machine\. /,
    );
    expect(report).toContain('| processor time | 0.5 | 0.5 | 0.5 | 0 % |  |');
  });

  it('takes the newest runs that are kept, of the kind and the groups of the last', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'peer-'));
    const keep = async (at: string, more: Partial<PeerResults> = {}) =>
      await writeFile(join(folder, keptAs(at)), JSON.stringify({ ...results, at, ...more }));
    await keep('2026-11-24T10:00:00.000Z');
    await keep('2026-11-24T11:00:00.000Z');
    await keep('2026-11-24T12:00:00.000Z', { quick: false });
    await keep('2026-11-24T13:00:00.000Z', { rows: [row({ group: 'lag' })] });
    await keep('2026-11-24T14:00:00.000Z');
    const found = (count: number) => lastRuns(folder, count).map(({ at }) => at.slice(11, 13));
    expect([found(2), found(9)]).toEqual([
      ['11', '14'],
      ['10', '11', '14'],
    ]);
    await rm(folder, { recursive: true });
  });

  it('stands between its marks, in place of the one before, and nowhere where they are missing', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/performance.md'), 'utf8');
    const once = pageWith(page, 'the first report');
    const again = pageWith(once ?? '', 'the second report');
    expect(once).toContain('the first report');
    expect(again).toBe(once?.replace('the first report', 'the second report'));
    expect(pageWith('no marks', 'report')).toBeUndefined();
  });
});
