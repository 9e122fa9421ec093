import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { svgOf } from './chart.ts';
import { climb, faultsOf, type Step } from './climb.ts';
import { dialogsOf } from './dialog-watch.ts';
import { missing } from './needs.ts';
import { type PeerResults, pageWith, reportOf, resultsIn } from './page.ts';
import { COMPARED, FULL, GROUPS, groupsOf, QUICK } from './plan.ts';
import { failuresOf, NOTHING, ofRuns, type Row, ratioOf, verdictOf } from './row.ts';
import { type CallState, Sightings } from './sightings.ts';
import { markdownTable, textTable } from './table.ts';
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

  it('stops at the first rate that is not clean, and says why', async () => {
    const tried: number[] = [];
    const found = await climb([200, 800, 1000, 1200], async (rate) => {
      tried.push(rate);
      return step(rate, rate < 1000 ? {} : { failed: 100 });
    });
    expect(tried).toEqual([200, 800, 1000]);
    expect(found).toMatchObject({ highest: 800, end: '1000/s: 100 of 10000 failed, 0 retransmissions', bound: false });
    expect(found.steps).toHaveLength(3);
  });

  it('is a lower bound where the load generator was at its limit, or the ladder ended', async () => {
    const saturated = ['SIPp took 97 % of a core'];
    const limited = await climb([200, 800], async (rate) => step(rate, rate < 800 ? {} : { failed: 100, saturated }));
    expect(limited).toMatchObject({ highest: 200, bound: true });
    expect(limited.end).toContain('SIPp took 97 % of a core');
    expect(await climb([200], async (rate) => step(rate))).toMatchObject({ highest: 200, end: undefined, bound: true });
    expect(await climb([200], async (rate) => step(rate, { failed: 9 }))).toMatchObject({ highest: 0 });
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
  });
});

describe('Offhook bench beside a peer: what is run', () => {
  it('is every group, or those named, in their order', () => {
    expect(groupsOf([])).toEqual({ groups: GROUPS, unknown: [] });
    expect(groupsOf(['lag,cpu', 'race'])).toEqual({ groups: ['cpu', 'lag', 'race'], unknown: [] });
    expect(groupsOf(['lag,speed'])).toEqual({ groups: ['lag'], unknown: ['speed'] });
  });

  it.each([FULL, QUICK])(
    'climbs rising rates, 200 and 800 among them, with users enough that nobody is in two calls at 800 (%#)',
    (plan) => {
      for (const ladder of [plan.ladder.alone, plan.ladder.presence]) {
        expect(ladder).toEqual(ladder.toSorted((a, b) => a - b));
        expect(ladder).toEqual(expect.arrayContaining([...COMPARED]));
      }
      expect(plan.users / 2 / 800).toBeGreaterThan(1.25);
      expect(plan.users % 400).toBe(0);
    },
  );
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
    seen.forget();
    expect(seen.missing(expected)).toEqual({ expected: 4, up: 4, over: 4 });
    expect(seen.busy()).toEqual(['b up']);
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

  it('stands between its marks, in place of the one before, and nowhere where they are missing', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/performance.md'), 'utf8');
    const once = pageWith(page, 'the first report');
    const again = pageWith(once ?? '', 'the second report');
    expect(once).toContain('the first report');
    expect(again).toBe(once?.replace('the first report', 'the second report'));
    expect(pageWith('no marks', 'report')).toBeUndefined();
  });
});
