import { describe, expect, it } from 'vitest';
import type { Packet } from '../../support/virtual-network.ts';
import { excuse, swallowed } from './evidence.ts';
import { playScene, TRIALS } from './scene.ts';
import { SHAPES } from './shapes.ts';

/** Scenes here; `npm run campaign:sim -- --calls 10000` plays more of them, and another seed others. */
const SCENES = 30;

describe('Offhook campaign: calls of all shapes with 20 % loss, doubling and reordering', { timeout: 120_000 }, () => {
  it(`breaks none of ${SCENES * TRIALS} that RFC 3261 can save, and each state is right in the end`, () => {
    const results = Array.from({ length: SCENES }, (_, n) => playScene(3261 + n));
    expect(results.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
    const played = new Set(results.flatMap(({ shapes }) => shapes));
    expect([...played].sort()).toEqual([...SHAPES].sort());
  });

  it('plays the same scene from the same seed', () => {
    expect(playScene(7)).toEqual(playScene(7));
  });
});

describe('Offhook campaign: what excuses that a call breaks', () => {
  const [phone, shim, other] = ['10.0.0.2', '10.0.0.1', '10.0.0.3'];
  const packet = (from: string, to: string, start: string, cseq: string, fate: Packet['fate'] = 'sent'): Packet => ({
    ...{ at: 0, transport: 'udp', from: { address: from, port: 5060 }, to: { address: to, port: 5060 }, fate },
    text: `${start}\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK${cseq}${start.startsWith('SIP') ? to : from}\r\nCall-ID: c\r\nCSeq: ${cseq}\r\n\r\n`,
  });
  const invite = packet(phone, shim, 'INVITE sip:b SIP/2.0', '1 INVITE');
  const ok = packet(shim, phone, 'SIP/2.0 200 OK', '1 INVITE');
  const ack = packet(phone, shim, 'ACK sip:b SIP/2.0', '1 ACK');

  it('is that no copy of a request, of its final answer, or of the ACK arrived on some hop', () => {
    expect(excuse([{ ...invite, fate: 'lost' }, invite, ok, ack], 'c', [shim])).toBeUndefined();
    expect(excuse([{ ...invite, fate: 'lost' }], 'c', [shim])).toBe(`no copy of 1 INVITE from ${phone} arrived`);
    expect(excuse([invite, { ...ok, fate: 'lost' }], 'c', [shim])).toBe(`no answer to 1 INVITE from ${phone} arrived`);
    const answered = [packet(shim, other, 'INVITE sip:b SIP/2.0', '1 INVITE'), packet(other, shim, 'SIP/2.0 200 OK', '1 INVITE')];
    const out = packet(shim, other, 'ACK sip:b SIP/2.0', '1 ACK');
    expect(excuse([invite, ok, ...answered, ack, { ...out, fate: 'lost' }], 'c', [shim])).toBe(`no ACK arrived at ${other} 1`);
    expect(excuse([invite, ok, ...answered, ack, out], 'c', [shim])).toBeUndefined();
    expect(excuse([{ ...invite, fate: 'unreachable' }], 'c', [shim])).toBe(`${shim} was not there`);
  });

  it('is not that a shim took an ACK or a 2xx and did not send it on', () => {
    const out = packet(shim, other, 'ACK sip:b SIP/2.0', '1 ACK');
    expect(swallowed([invite, ack, out], 'c', shim)).toBeUndefined();
    expect(swallowed([invite, { ...ack, fate: 'doubled' }, out], 'c', shim)).toBe(`${shim} took 2 ACK and sent 1`);
  });
});
