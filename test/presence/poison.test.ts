import { describe, expect, it } from 'vitest';
import { applyGroup, emptyRecord, PRESENCE_LIMITS } from '../../worker/presence/index.ts';
import { LIMITS, type Update } from '../../worker/protocol/index.ts';
import { SimulatedUser, T0, USER } from './support/user.ts';

describe('Offhook updates that fail each time', () => {
  it('are refused alone where this program fails at them: what came before counts, and what comes after is healed by a snapshot', () => {
    const user = new SimulatedUser();
    const stream = user.stream('site-a');
    const poison = { ...stream.next(user.say.online()), status: 'talking', call: null } as unknown as Update;
    const [online, bad, talking, snapshot] = [
      stream.next(user.say.online()),
      { ...poison, sequence: 3, previous: 2 },
      { ...stream.next(user.say.talking('c1')), sequence: 4, previous: 3 },
      { ...stream.next(user.say.snapshot([user.say.terminal()], [user.say.call('c1', 'confirmed')])), sequence: 5, previous: 4 },
    ] as const;
    const first = applyGroup(emptyRecord(USER), 'site-a', [{ ...online, previous: 0 }, bad, talking], T0);
    expect(first.verdicts.map(({ verdict }) => verdict)).toEqual(['accepted', 'rejected', 'gap']);
    expect(first.faults).toHaveLength(1);
    expect(applyGroup(first.record, 'site-a', [bad], T0).record).toBe(first.record);
    expect(applyGroup(first.record, 'site-a', [snapshot], T0)).toMatchObject({
      verdicts: [{ verdict: 'accepted' }],
      record: { status: 'talking' },
      faults: [],
    });
  });

  it('are refused where the record would be too long to be stored, and shorter ones are taken', () => {
    const user = new SimulatedUser();
    const media = Array.from({ length: LIMITS.media }, () => ({ type: 'x'.repeat(512), codec: 'y'.repeat(512) }));
    const verdicts = new Set<string>();
    for (let site = 0; site < 4; site++) {
      for (let n = 0; n < LIMITS.calls; n++) {
        const stream = user.stream(`site-${site}`);
        const before = user.record;
        const word = user.say.early(`c${n}`, { media });
        const { verdict } = user.apply(stream.next(word), `site-${site}`);
        verdicts.add(verdict);
        if (verdict !== 'accepted') expect(user.record).toBe(before);
      }
    }
    expect([...verdicts]).toEqual(['accepted', 'rejected', 'gap']);
    const length = JSON.stringify(user.record).length;
    expect(length).toBeLessThanOrEqual(PRESENCE_LIMITS.recordText);
    expect(length).toBeGreaterThan(PRESENCE_LIMITS.recordText - 20_000);
    expect(user.tell(user.say.snapshot([], []), 'site-0')).toMatchObject({ verdict: 'accepted' });
    expect(user.tell(user.say.talking('c1'), 'site-0')).toMatchObject({ verdict: 'accepted' });
  });

  it('has room for the longest terminals and calls that are not measured', () => {
    const user = new SimulatedUser();
    const shown = '\u0001'.repeat(LIMITS.fieldLength);
    const media = Array.from({ length: LIMITS.media }, () => ({ type: shown, codec: shown }));
    for (let n = 0; n < PRESENCE_LIMITS.unmeasured; n++) {
      const id = `${n}`.padEnd(LIMITS.fieldLength, 'é');
      user.tell(user.say.early(id, { callId: id, media, peer: { uri: id, name: shown } }));
    }
    expect(new TextEncoder().encode(JSON.stringify(user.record)).length).toBeLessThan(2_000_000);
  });
});
