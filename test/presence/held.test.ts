import { describe, expect, it } from 'vitest';
import { differing, type HeldUser } from '../../worker/presence/index.ts';

const held = (user: string, version: number, digest: string): HeldUser => ({ user, version, digest });

describe('Offhook reconciliation: who differs', () => {
  it.each([false, true])('believes the newer word where two boards know a user (the other way round: %s)', (turned) => {
    const recorded = [held('sip:a@x', 2, 'new'), held('sip:a@x', 1, 'old')];
    const boards = turned ? recorded.toReversed() : recorded;
    expect(differing({ 'sip:a@x': 'new' }, boards)).toEqual([]);
    expect(differing({ 'sip:a@x': 'old' }, boards)).toEqual(['sip:a@x']);
  });

  it('names those whom one side alone knows, also under the names of the prototype', () => {
    expect(differing({ 'sip:a@x': '1' }, [held('sip:b@x', 1, '1')])).toEqual(['sip:a@x', 'sip:b@x']);
    expect(differing({}, [held('constructor', 1, '1')])).toEqual(['constructor']);
  });
});
