import { describe, expect, it } from 'vitest';
import { header, headers, type Message } from '../../shim/core/sip/index.ts';
import { CALLER, forkedCall, summary, to } from './forking.ts';

const sorted = (list: readonly string[]) => [...list].sort();

describe('RFC 3261 16.6 a user with several telephones', () => {
  it('rings those of equal q at once, under a branch each', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 1 });
    expect(summary(call.started)).toEqual([3, 4, 5].map((host) => `INVITE > ${to(host)}`));
    expect(call.started.messages.map((m) => m.uri)).toEqual([3, 4, 5].map((host) => `sip:bob@${to(host)}`));
    expect(new Set(call.started.messages.map((m) => m.text.match(/branch=[^;]*/)?.[0])).size).toBe(3);
  });

  it('rings those of a lower q when all of a higher q have declined', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 0.5, 6: 0.5 });
    expect(summary(call.started)).toEqual([`INVITE > ${to(3)}`, `INVITE > ${to(4)}`]);
    expect(summary(call.answer(3, 486))).toEqual([`ACK > ${to(3)}`]);
    expect(summary(call.answer(4, 480))).toEqual([`ACK > ${to(4)}`, `INVITE > ${to(5)}`, `INVITE > ${to(6)}`]);
    expect(summary(call.answer(6, 480))).toEqual([`ACK > ${to(6)}`]);
    expect(summary(call.answer(5, 480))).toEqual([`ACK > ${to(5)}`, `486 > ${CALLER}`]);
  });

  it('sends a request on to no more targets than maxBranches, the best', () => {
    const call = forkedCall({ 3: 0.1, 4: 1, 5: 0.9 }, { maxBranches: 2 });
    expect(summary(call.answer(4, 486))).toEqual([`ACK > ${to(4)}`, `INVITE > ${to(5)}`]);
    expect(summary(call.answer(5, 486))).toEqual([`ACK > ${to(5)}`, `486 > ${CALLER}`]);
  });

  it('forks a request other than INVITE too, and gives back the first 2xx', () => {
    const call = forkedCall({ 3: 1, 4: 1 }, { method: 'MESSAGE' });
    expect(summary(call.started)).toEqual([`MESSAGE > ${to(3)}`, `MESSAGE > ${to(4)}`]);
    expect(summary(call.answer(3, 481))).toEqual([]);
    expect(summary(call.answer(4, 200))).toEqual([`200 > ${CALLER}`]);
  });
});

describe('RFC 3261 16.7 step 5 what goes back at once', () => {
  it('are the provisional responses of every branch, until a final one has gone', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    expect(summary(call.answer(3, 180))).toEqual([`180 > ${CALLER}`]);
    expect(summary(call.answer(4, 183))).toEqual([`183 > ${CALLER}`]);
    call.answer(3, 200);
    expect(summary(call.answer(4, 180))).toEqual([]);
  });

  it('is every 2xx to an INVITE, also after the first: each is a dialog', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    expect(summary(call.answer(3, 200))).toEqual([`200 > ${CALLER}`]);
    expect(summary(call.answer(4, 200))).toEqual([`200 > ${CALLER}`]);
  });

  it('is no 6xx: what still rings is cancelled, no more is tried, and then it goes back', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 0.5 });
    call.answer(4, 180);
    expect(summary(call.answer(3, 603))).toEqual([`ACK > ${to(3)}`, `CANCEL > ${to(4)}`]);
    expect(summary(call.answer(4, 487))).toEqual([`ACK > ${to(4)}`, `603 > ${CALLER}`]);
  });

  it('is a 2xx that crosses the CANCEL after a 6xx', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    call.answer(4, 180);
    call.answer(3, 603);
    expect(summary(call.answer(4, 200))).toEqual([`200 > ${CALLER}`]);
  });
});

describe('RFC 3261 16.7 step 10 the losers', () => {
  it('are cancelled when one answers, each once it has answered provisionally (9.1)', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 1 });
    call.answer(3, 180);
    call.answer(4, 180);
    expect(sorted(summary(call.answer(3, 200)))).toEqual([`200 > ${CALLER}`, `CANCEL > ${to(4)}`]);
    expect(summary(call.answer(5, 180))).toEqual([`CANCEL > ${to(5)}`]);
    expect(summary(call.answer(4, 487))).toEqual([`ACK > ${to(4)}`]);
  });

  it('RFC 3326 2: are told that the call was answered elsewhere, now or when they ring, so that they show no missed call', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 1 });
    call.answer(4, 180);
    const cancels = [...call.answer(3, 200).messages, ...call.answer(5, 180).messages].filter((m) => m.method === 'CANCEL');
    expect(cancels.map((m) => header(m, 'reason'))).toEqual(Array(2).fill('SIP;cause=200;text="Call completed elsewhere"'));
  });

  it('RFC 3326 2: are told the 6xx where another declines for all', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    call.answer(4, 180);
    const cancels = call.answer(3, 603).messages.filter((m) => m.method === 'CANCEL');
    expect(cancels.map((m) => header(m, 'reason'))).toEqual(['SIP;cause=603;text="Reason 603"']);
  });
});

describe('RFC 3261 16.10 the CANCEL of the caller', () => {
  it('reaches every telephone that rings, and ends the search', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 0.5 });
    call.answer(3, 180);
    call.answer(4, 180);
    expect(sorted(summary(call.cancel()))).toEqual([`200 > ${CALLER}`, `CANCEL > ${to(3)}`, `CANCEL > ${to(4)}`]);
    expect(summary(call.answer(3, 487))).toEqual([`ACK > ${to(3)}`]);
    expect(summary(call.answer(4, 487))).toEqual([`ACK > ${to(4)}`, `487 > ${CALLER}`]);
  });

  it('RFC 3326 2: says why, where the caller does, and nothing where not', () => {
    const why = forkedCall({ 3: 1, 4: 1 });
    why.answer(3, 180);
    why.answer(4, 180);
    const given = why.cancel('Reason: SIP;cause=200').messages.slice(1);
    expect(given.map((m) => header(m, 'reason'))).toEqual(['SIP;cause=200', 'SIP;cause=200']);
    const mute = forkedCall({ 3: 1 });
    mute.answer(3, 180);
    expect(mute.cancel().messages.map((m) => header(m, 'reason'))).toEqual([undefined, undefined]);
  });

  it('is answered 487 where one had declined before', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    call.answer(3, 486);
    call.answer(4, 180);
    call.cancel();
    expect(summary(call.answer(4, 487))).toEqual([`ACK > ${to(4)}`, `487 > ${CALLER}`]);
  });
});

describe('RFC 3261 16.7 step 7 challenges', () => {
  it('of all branches go into the one that goes back, each as it was', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 1 });
    call.answer(3, 407, { headers: ['Proxy-Authenticate: Digest realm="p", nonce="3"'] });
    call.answer(4, 401, {
      headers: ['WWW-Authenticate: Digest realm="u", nonce="4"', 'WWW-Authenticate: Digest realm="v", nonce="4"'],
    });
    const back = call.answer(5, 486);
    expect(summary(back)).toEqual([`ACK > ${to(5)}`, `407 > ${CALLER}`]);
    const [, chosen] = back.messages;
    expect(headers(chosen as Message, 'proxy-authenticate')).toEqual(['Digest realm="p", nonce="3"']);
    expect(headers(chosen as Message, 'www-authenticate')).toEqual([
      'Digest realm="u", nonce="4"',
      'Digest realm="v", nonce="4"',
    ]);
  });
});

describe('RFC 3261 16.8 timer C', () => {
  it('runs for each branch from its own last provisional response (16.7 step 2)', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    call.answer(3, 180);
    call.answer(4, 180);
    call.expire(100_000);
    call.answer(4, 180);
    expect(summary(call.expire(85_000))).toEqual([`CANCEL > ${to(3)}`]);
    call.answer(3, 487);
    expect(summary(call.expire(100_000))).toEqual([`CANCEL > ${to(4)}`]);
    expect(summary(call.expire(32_000))).toContain(`408 > ${CALLER}`);
  });
});

describe('RFC 3261 17 memory', () => {
  it('is free again when the transactions of a fork have ended', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 0.5 });
    call.answer(3, 180);
    call.answer(4, 486);
    call.answer(3, 486);
    call.answer(5, 200);
    for (let i = 0; i < 20; i++) call.expire(16_000);
    expect([call.shim.element.table.size, ...call.shim.element.contexts]).toEqual([0, 0, 0]);
  });
});

describe('RFC 3261 16.7 a response context', () => {
  it('ends with the answer to a request other than INVITE: its transactions alone wait for what comes again', () => {
    const call = forkedCall({ 3: 1 }, { method: 'MESSAGE' });
    expect(call.shim.element.contexts).toEqual([1, 1]);
    const { size } = call.shim.element.table;
    call.answer(3, 200);
    expect([call.shim.element.table.size, ...call.shim.element.contexts]).toEqual([size, 0, 0]);
  });

  it('stays for further 2xx to an INVITE', () => {
    const call = forkedCall({ 3: 1 });
    call.answer(3, 200);
    expect(call.shim.element.contexts).toEqual([1, 1]);
    expect(summary(call.answer(3, 200))).toEqual([`200 > ${CALLER}`]);
  });
});

describe('RFC 4320 4 a request other than INVITE', () => {
  it('is not tried at the next q when its time is over', () => {
    const call = forkedCall({ 3: 1, 4: 0.5 }, { method: 'MESSAGE' });
    expect(summary(call.expire(32_000))).not.toContain(`MESSAGE > ${to(4)}`);
  });
});

describe('RFC 3261 16.9 one telephone of several that is dead', () => {
  it('does not keep the others from ringing, nor from answering', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    expect(summary(call.unreachable(3))).toEqual([]);
    expect(summary(call.answer(4, 200))).toEqual([`200 > ${CALLER}`]);
  });

  it('goes on to the next q', () => {
    const call = forkedCall({ 3: 1, 4: 0.5 });
    expect(summary(call.unreachable(3))).toEqual([`INVITE > ${to(4)}`]);
  });

  it('16.8: goes on to the next q after 64*T1 without an answer', () => {
    const call = forkedCall({ 3: 1, 4: 0.5 });
    expect(summary(call.expire(32_000))).toContain(`INVITE > ${to(4)}`);
  });

  it('is told to the caller as 500 where all are', () => {
    const call = forkedCall({ 3: 1, 4: 1 });
    call.unreachable(3);
    expect(summary(call.unreachable(4))).toEqual([`500 > ${CALLER}`]);
  });
});

describe('RFC 3261 16.8 a search that takes longer than the caller is kept waiting', () => {
  it('ends with his transaction: no telephone rings for nobody', () => {
    // Each is silent for 64*T1, one after the other.
    const phones = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [i + 11, 0.9 - i / 20]));
    const call = forkedCall(phones);
    const sent: string[] = [];
    for (let s = 0; s < 400; s++) sent.push(...summary(call.expire(1000)).filter((line) => line.startsWith('INVITE')));
    expect(call.shim.element.table.size).toBe(0);
    expect(call.shim.element.contexts).toEqual([0, 0]);
    expect(sent).toContain(`INVITE > ${to(18)}`);
    expect(sent).not.toContain(`INVITE > ${to(20)}`);
    expect(call.told()).not.toContain('bob talking');
  });
});
