import { describe, expect, it } from 'vitest';
import type { JournalState } from '../../shim/core/journal.ts';
import { cseq, header, type Message, topVia } from '../../shim/core/sip/index.ts';
import { CALLER, type ForkedCall, forkedCall, summary, to } from '../proxy/forking.ts';
import { answerTo, flow, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const VIA = 'SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKcaller';
const TALK = { body: SDP };

/** The BYE of the caller to the telephone that answered under that tag. */
const bye = (host: number, cseq = 2) =>
  requestText('BYE', {
    uri: `sip:bob@${to(host)}`,
    to: `<sip:bob@example.com>;tag=t${host}`,
    cseq,
    headers: ['Route: <sip:127.0.0.1:5060;lr>'],
  });

describe('Offhook presence of a user with several telephones', () => {
  it('is one call of one user, from the first ring to the last', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 0.5 });
    call.answer(3, 180);
    expect(call.told()).toEqual(['alice early', 'bob early']);
    call.answer(4, 180);
    call.answer(3, 486);
    call.answer(4, 480);
    call.answer(5, 180);
    expect(call.told()).toEqual([]);
    call.answer(5, 200, TALK);
    expect(call.told()).toEqual(['alice talking', 'bob talking']);
    call.shim.receive(bye(5), flow(2));
    expect(call.told()).toEqual(['alice terminating', 'bob terminating']);
    call.shim.expire(41_000);
    expect(call.told()).toEqual(['alice idle', 'bob idle']);
    expect(call.shim.element.presence.tracker.calls.size).toBe(0);
  });

  it('stays talking though the losers are cancelled and say so', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    call.answer(3, 180);
    call.answer(4, 180);
    call.answer(3, 200, TALK);
    call.told();
    call.answer(4, 487);
    call.expire(40_000);
    expect(call.told()).toEqual([]);
    expect(call.shim.element.presence.tracker.calls.size).toBe(1);
  });

  it('stays talking when the second of two that answered is hung up', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    call.answer(3, 200, TALK);
    call.answer(4, 200, TALK);
    call.told();
    const hungUp = call.shim.receive(bye(4), flow(2));
    call.shim.receive(answerTo(hungUp.messages[0] as never, 200), flow(4));
    expect(call.told()).toEqual([]);
    call.shim.receive(bye(3, 3), flow(2));
    expect(call.told()).toEqual(['alice terminating', 'bob terminating']);
  });

  it('ends once, when the last has declined', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    call.answer(3, 180);
    call.told();
    call.answer(3, 486);
    expect(call.told()).toEqual([]);
    call.answer(4, 486);
    expect(call.told()).toEqual(['alice idle', 'bob idle']);
  });

  it('lasts while the targets of one q after the other are rung, each for its whole time', () => {
    const call = forkedCall({ 3: 1, 4: 0.5 });
    call.answer(3, 180);
    call.expire(185_000);
    call.answer(3, 487);
    call.answer(4, 180);
    call.told();
    call.expire(184_000);
    expect(call.told().filter((line) => line.endsWith('idle'))).toEqual([]);
    call.answer(4, 200, TALK);
    expect(call.told()).toEqual(['alice talking', 'bob talking']);
  });
});

/** A shim that takes up what the one of that call has on disk, with the same telephones. */
function takenUp(call: ReturnType<typeof forkedCall>, rows: JournalState['dialogs']) {
  const next = testElement({}, 'v');
  const bindings = ['alice', 'bob', 'carol'].flatMap((user) => call.shim.element.location.get(`sip:${user}@example.com`));
  next.element.restore({ bindings, dialogs: rows, outbox: [], known: [] }, next.at.now);
  next.told();
  return {
    told: next.told,
    cancel: () => next.receive(requestText('CANCEL', { via: VIA }), flow(2)),
    /** A telephone answers the INVITE of the earlier process. */
    answer: (host: number, status: number) =>
      next.receive(answerTo(call.at(host), status, { tag: `t${host}`, body: status === 200 ? SDP : '' }), flow(host)),
  };
}

function restarted(call: ReturnType<typeof forkedCall>, phones: readonly number[], rows: JournalState['dialogs']) {
  const cancelled = takenUp(call, rows).cancel();
  const branches = (host: number) =>
    cancelled.messages.filter((_, i) => cancelled.sent[i]?.target.host === `127.0.0.${host}`).map((m) => topVia(m)?.branch);
  return {
    cancelled: summary(cancelled),
    matching: phones.filter((host) => branches(host).includes(topVia(call.at(host))?.branch)),
    uris: cancelled.messages.filter((m) => m.method === 'CANCEL' && m.status === 0).map((m) => m.uri),
  };
}

function ringing(
  phones: Readonly<Record<number, number>>,
  options: ForkedCall,
  ...ring: (readonly [host: number, status: number, contact?: string])[]
) {
  const call = forkedCall(phones, options);
  const rows = new Map<string, string>();
  for (const [host, status, contact] of ring) {
    const { ops } = call.answer(host, status, contact === undefined ? {} : { headers: [`Contact: ${contact}`] });
    for (const op of ops) {
      if (op.op === 'dialog-put') rows.set(op.key, op.body);
      else if (op.op === 'dialog-delete') rows.delete(op.key);
    }
  }
  return { call, rows: [...rows].map(([key, body]) => ({ key, body })) };
}

describe('RFC 3261 16.10 a CANCEL after the process was killed while several telephones rang', () => {
  it('reaches each of them under the branch of its own INVITE', () => {
    const { call, rows } = ringing({ 3: 1, 4: 1 }, {}, [3, 180]);
    const after = restarted(call, [3, 4], rows);
    expect(after.cancelled).toEqual([`200 > ${CALLER}`, `CANCEL > ${to(3)}`, `CANCEL > ${to(4)}`]);
    expect(after.matching).toEqual([3, 4]);
    expect(after.uris).toEqual([3, 4].map((host) => `sip:bob@${to(host)}`));
  });

  it('reaches those of a later q too', () => {
    const { call, rows } = ringing({ 3: 1, 4: 0.5 }, {}, [3, 180], [3, 486], [4, 180]);
    expect(restarted(call, [4], rows).matching).toEqual([4]);
  });

  it('reaches the one to whom the call was redirected', () => {
    const options = { before: (shim: ReturnType<typeof testElement>) => void shim.register('carol', flow(7)) };
    const { call, rows } = ringing({ 3: 1 }, options, [3, 180], [3, 302, '<sip:carol@example.com>'], [7, 180]);
    expect(restarted(call, [7], rows).matching).toEqual([7]);
  });

  it('reaches the one telephone of a row that an earlier version wrote', () => {
    const { call, rows } = ringing({ 3: 1 }, {}, [3, 180]);
    const old = rows.map(({ key, body }) => {
      const { branches, ...row } = JSON.parse(body) as { branches: { branch: string }[] };
      return { key, body: JSON.stringify({ ...row, branch: branches[0]?.branch }) };
    });
    expect(restarted(call, [3], old).matching).toEqual([3]);
  });

  it('is not written for a call that was answered: nothing is left to cancel', () => {
    const { rows } = ringing({ 3: 1, 4: 1 }, {}, [3, 180], [4, 200]);
    expect(rows.map(({ body }) => (JSON.parse(body) as { branches: unknown[] }).branches)).toEqual([[]]);
  });
});

describe('RFC 3261 16.7 answers after the process was killed while several telephones rang', () => {
  function rings() {
    const { call, rows } = ringing({ 3: 1, 4: 1, 5: 1 }, {}, [3, 180]);
    return { call, after: takenUp(call, rows) };
  }

  it('step 10: one who answers has the others cancelled, each under its own branch, and every time just once', () => {
    const { call, after } = rings();
    const answered = after.answer(4, 200);
    expect(summary(answered)).toEqual([`200 > ${CALLER}`, `CANCEL > ${to(3)}`, `CANCEL > ${to(5)}`]);
    const [, ...cancels] = answered.messages;
    for (const [i, host] of [3, 5].entries()) {
      const [sent, invite] = [cancels[i] as Message, call.at(host)];
      expect([topVia(sent)?.branch, topVia(sent)?.port, sent.uri]).toEqual([
        topVia(invite)?.branch,
        topVia(invite)?.port,
        invite.uri,
      ]);
      for (const name of ['from', 'to', 'call-id']) expect(header(sent, name)).toBe(header(invite, name));
      expect([cseq(sent).number, header(sent, 'reason')]).toEqual([
        cseq(invite).number,
        'SIP;cause=200;text="Call completed elsewhere"',
      ]);
    }
    expect(after.told()).toEqual(['alice talking', 'bob talking']);
    expect(summary(after.answer(4, 200))).toEqual([`200 > ${CALLER}`]);
  });

  it('step 5: one who declines ends nothing while others ring; the last one does', () => {
    const { after } = rings();
    const declined = after.answer(3, 486);
    expect(summary(declined)).toEqual([`ACK > ${to(3)}`]);
    expect(header(declined.messages[0] as Message, 'to')).toContain(';tag=t3');
    expect(summary(after.answer(3, 486))).toEqual([`ACK > ${to(3)}`]);
    expect(summary(after.answer(4, 480))).toEqual([`ACK > ${to(4)}`]);
    expect(after.told()).toEqual([]);
    expect(summary(after.answer(5, 480))).toEqual([`480 > ${CALLER}`]);
    expect(after.told()).toEqual(['alice idle', 'bob idle']);
  });

  it('step 5: one who declines for all has the others cancelled', () => {
    const { after } = rings();
    expect(summary(after.answer(3, 603))).toEqual([`603 > ${CALLER}`, `CANCEL > ${to(4)}`, `CANCEL > ${to(5)}`]);
  });

  it('16.10: the CANCEL of the caller goes to those alone who have not declined, and the first 487 back', () => {
    const { after } = rings();
    after.answer(4, 486);
    expect(summary(after.cancel())).toEqual([`200 > ${CALLER}`, `CANCEL > ${to(3)}`, `CANCEL > ${to(5)}`]);
    expect(summary(after.answer(5, 487))).toEqual([`487 > ${CALLER}`]);
    expect(after.told()).toEqual(['alice idle', 'bob idle']);
  });
});
