import { describe, expect, it } from 'vitest';
import { callRecord, parseCallRecord } from '../../shim/core/dialog/record.ts';
import { tracked } from './tracked.ts';

/** A call that rings, as another process finds it on disk after a kill. */
function ringing() {
  const before = tracked();
  before.invite();
  before.ring();
  const after = tracked();
  for (const call of before.tracker.takeChanged()) {
    const found = parseCallRecord(callRecord(call));
    if (found) after.tracker.restore(found, after.at.now);
  }
  expect(after.tracker.calls.size).toBe(1);
  return after;
}

describe('RFC 3261 12 calls taken up from disk', () => {
  it('goes on where the call was: answered, talking, over', () => {
    const call = ringing();
    expect(call.ok()).toEqual(['talking']);
    expect(call.ack()).toEqual([]);
    expect(call.bye()).toEqual(['terminating bye']);
    expect(call.byeAnswer()).toEqual(['ended bye']);
  });

  it.each(['caller', 'callee'] as const)('ends a call that was answered in the moment of the kill by the BYE of the %s', (by) => {
    const call = ringing();
    expect(call.bye(by)).toEqual(['terminating bye']);
    expect(call.byeAnswer(200, by)).toEqual(['ended bye']);
    expect(call.tracker.calls.size).toBe(0);
  });

  it('takes no ACK for a sign of that: a refusal has one too', () => {
    expect(ringing().ack()).toEqual([]);
  });

  it('leaves a call alone that this process has seen from its beginning', () => {
    const call = tracked();
    call.invite();
    call.ring();
    expect([call.ack(), call.bye('callee')]).toEqual([[], []]);
    expect(call.ok()).toEqual(['talking']);
  });
});
