import { describe, expect, it } from 'vitest';
import { mutate, seeded } from '../support/mutate.ts';
import { Coverage } from './coverage.ts';
import { fuzz, tried } from './engine.ts';
import { kept } from './finding.ts';
import { RUNNING, replayRunning } from './running.ts';
import { must, type Target } from './target.ts';
import { TARGETS } from './targets/index.ts';

/** Inputs of each target, beyond its seeds. */
const INPUTS = 400;

describe('Offhook fuzzing', { timeout: 60_000 }, () => {
  it.each(kept())('what was found stays right: $file', async ({ target: name, input }) => {
    if (name === RUNNING) return await replayRunning(JSON.parse(input));
    const target = TARGETS.find((one) => one.name === name);
    expect(target, `a target ${name}`).toBeDefined();
    if (target) expect(tried(target, input).reason).toBeUndefined();
  });

  it.each(TARGETS)('$name takes its seeds and damaged ones', (target) => {
    const { findings, inputs } = fuzz(target, seeded(4475), { inputs: target.seeds.length + INPUTS });
    expect(findings).toEqual([]);
    expect(inputs).toBeGreaterThanOrEqual(INPUTS);
  });

  it('finds what it looks for, makes it small, and finds it again by the seed', () => {
    const broken: Target = {
      name: 'broken',
      seeds: ['Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\r\n'],
      mutate,
      run: (input) => must(!/branch=[^;]*"/.test(input), 'a quote in a branch'),
    };
    const runs = [1, 2].map(() => fuzz(broken, seeded(7), { inputs: 5000 }).findings);
    expect(runs[0]).toHaveLength(1);
    expect(runs[0]?.[0]?.input).toBe('branch="');
    expect(runs[0]?.[0]?.reason).toContain('a quote in a branch');
    expect(runs[1]).toEqual(runs[0]);
  });

  it('finds what takes too long', () => {
    const slow: Target = {
      name: 'slow',
      seeds: ['a'],
      mutate,
      run(input) {
        const began = process.threadCpuUsage();
        while (input !== 'a' && process.threadCpuUsage(began).user < 70_000);
      },
    };
    expect(fuzz(slow, seeded(7), { inputs: 6 }).findings.map(({ reason }) => reason)).toEqual(['slower than 50 ms']);
  });

  it('keeps what makes code run that had not run before', () => {
    const framing = TARGETS.find(({ name }) => name === 'framing') as Target;
    const coverage = new Coverage();
    const plain: Target = { ...framing, seeds: ['OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n'] };
    const { corpus } = fuzz(plain, seeded(7), { inputs: 2000 }, coverage);
    coverage.stop();
    expect(corpus.length).toBeGreaterThan(3);
  });
});
