import { describe, expect, it } from 'vitest';
import { tracked } from './tracked.ts';

describe('FIG. 3 talking at the 200 to INVITE', () => {
  it('is told once, whatever is repeated', () => {
    const call = tracked({ talking: 'on-answer' });
    expect([call.invite(), call.ring(), call.ring(), call.ok(), call.ok(), call.ack(), call.ack()]).toEqual([
      [],
      ['early'],
      [],
      ['talking'],
      [],
      [],
      [],
    ]);
  });

  it('is told though the ACK is lost', () => {
    const call = tracked({ talking: 'on-answer' });
    call.invite();
    expect(call.ok()).toEqual(['talking']);
  });

  it('is told of a delayed offer too, where the configuration says so', () => {
    const call = tracked({ talking: 'on-answer' });
    call.invite('delayed');
    expect(call.ok()).toEqual(['talking']);
  });
});

describe('FIG. 4 talking at the ACK', () => {
  it('waits for the ACK', () => {
    const call = tracked({ talking: 'on-ack' });
    call.invite();
    call.ring();
    expect(call.ok()).toEqual([]);
    expect(call.ack()).toEqual(['talking']);
    expect(call.ack()).toEqual([]);
  });

  it('never tells talking where the ACK is lost, and the BYE still ends the call', () => {
    const call = tracked({ talking: 'on-ack' });
    call.invite();
    call.ring();
    call.ok();
    expect(call.bye('callee')).toEqual(['terminating bye']);
    expect(call.byeAnswer(200, 'callee')).toEqual(['ended bye']);
    expect(call.tracker.calls.size).toBe(0);
  });

  it('does not take the ACK of somebody else for that of the call', () => {
    const call = tracked({ talking: 'on-ack' });
    call.invite();
    call.ok();
    expect(call.ack({ to: '<sip:bob@example.com>;tag=other' })).toEqual([]);
    expect(call.ack({ callId: 'other' })).toEqual([]);
  });
});

describe('FIG. 3, 4 talking in mode auto', () => {
  it('tells an early offer at the 200', () => {
    const call = tracked();
    call.invite('early');
    expect(call.ok()).toEqual(['talking']);
  });

  it('tells a delayed offer at the ACK', () => {
    const call = tracked();
    call.invite('delayed');
    expect(call.ok()).toEqual([]);
    expect(call.ack()).toEqual(['talking']);
  });
});

describe('RFC 3261 13 calls that are never answered', () => {
  it.each([
    [486, 'ended rejected'],
    [487, 'ended cancelled'],
    [408, 'ended timeout'],
    [603, 'ended rejected'],
  ])('ends a ringing call at %i', (status, story) => {
    const call = tracked();
    call.invite();
    call.ring();
    expect(call.answer(status, 'INVITE')).toEqual([story]);
    expect(call.tracker.calls.size).toBe(0);
  });

  it('does not let a provisional response that comes late bring a call back', () => {
    const call = tracked();
    call.invite();
    call.ring();
    call.answer(486, 'INVITE');
    expect(call.ring()).toEqual([]);
    expect(call.tracker.calls.size).toBe(0);
  });

  it('does not let a late 180 make a talking call ring', () => {
    const call = tracked();
    call.invite();
    call.ok();
    expect(call.ring()).toEqual([]);
    expect(call.ring({ to: '<sip:bob@example.com>;tag=fork' })).toEqual([]);
  });

  it('gives up a call that neither rings on nor is answered', () => {
    const call = tracked();
    call.invite();
    call.ring();
    expect(call.expire(199_999)).toEqual([]);
    expect(call.expire(1)).toEqual(['ended timeout']);
  });

  it('takes an INVITE that is repeated with credentials for the same call', () => {
    const call = tracked();
    call.invite();
    expect(call.answer(407, 'INVITE')).toEqual(['ended rejected']);
    call.ask('INVITE', { cseq: 2 });
    expect(call.answer(180, 'INVITE', { cseq: 2 })).toEqual(['early']);
  });
});
