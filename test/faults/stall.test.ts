import { describe, expect, it } from 'vitest';
import { Element } from '../../shim/core/element/element.ts';
import { Self } from '../../shim/core/proxy/self.ts';
import { createFramer, type MessageLimits } from '../../shim/core/sip/index.ts';
import { ELEMENT_SETTINGS, flow, SHIM, T0 } from '../support/element.ts';
import { FuzzMessages } from '../support/fuzz-messages.ts';
import { hugeMessages } from '../support/huge-messages.ts';
import { answer, message, methodOf, statusOf } from '../support/lean-message.ts';
import { seeded } from '../support/mutate.ts';
import { requestText, SDP } from '../support/sip-text.ts';

/** No message may hold up the others for so long, ms. What is measured is far below it: this is no benchmark. */
const STALL = 50;
/** How often a message that took long is tried again: the quickest time counts, since this machine does other things too. */
const TRIES = 5;

const DOMAIN = 'example.com';
const ATTACKER = flow(2);
const GENEROUS: MessageLimits = { headerBytes: 65_536, headerCount: 4096, bodyBytes: 1024 * 1024 };

/** An element with two users of the attacker. */
function element(messages: MessageLimits = ELEMENT_SETTINGS.messages) {
  let count = 0;
  const points = (['udp', 'tcp'] as const).map((transport) => ({ transport, ...SHIM }));
  const made = new Element({ ...ELEMENT_SETTINGS, messages }, { self: new Self(points, [DOMAIN]), unique: () => `u${count++}` });
  for (const user of ['alice', 'huge', 'fuzz']) {
    const [address, contact] = [`<sip:${user}@${DOMAIN}>`, `Contact: <sip:${user}@127.0.0.2:5060>`];
    const parts = { uri: `sip:${DOMAIN}`, from: `${address};tag=r`, to: address, callId: `register-${user}`, headers: [contact] };
    made.receive(requestText('REGISTER', parts), ATTACKER, T0);
  }
  return made;
}

/** ms that the work took, the quickest of several times; `prepare` is not counted. Once is enough where it is quick. */
function quickest<T>(prepare: () => T, work: (prepared: T) => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < TRIES && best > STALL / 10; attempt += 1) {
    const prepared = prepare();
    const begin = performance.now();
    work(prepared);
    best = Math.min(best, performance.now() - begin);
  }
  return best;
}

const huge = (size: number, id: string) =>
  hugeMessages(size, {
    id,
    via: 'UDP 127.0.0.2:5060',
    to: `sip:alice@${DOMAIN}`,
    contact: 'sip:huge@127.0.0.2:5060',
    shim: '127.0.0.1:5060',
  });
describe('Offhook faults: no message stalls the shim', { timeout: 30_000 }, () => {
  it('takes a message that is huge in whatever way, up to 64 kB and with whatever limits', () => {
    const slow: string[] = [];
    for (const [size, limits] of [
      [16_000, undefined],
      [65_000, undefined],
      [65_000, GENEROUS],
    ] as const) {
      for (const [name, text] of huge(size, 'x')) {
        const prepare = () => ({ shim: element(limits), framer: createFramer(limits ?? ELEMENT_SETTINGS.messages) });
        const time = quickest(prepare, ({ shim, framer }) => {
          const actions = shim.receive(text, ATTACKER, T0);
          expect(actions.filter(({ type }) => type === 'defect')).toEqual([]);
          framer.push(text);
        });
        if (time > STALL)
          slow.push(`${name}, ${size} bytes, ${limits === undefined ? 'default' : 'greatest'} limits: ${time} ms`);
      }
    }
    expect(slow).toEqual([]);
  });

  it('takes an answer whose description is huge in whatever way', () => {
    const slow: string[] = [];
    for (const [name, text] of huge(65_000, 'y').filter(([name]) => name.startsWith('a body'))) {
      const body = text.slice(text.indexOf('\r\n\r\n') + 4);
      const prepare = () => {
        const shim = element();
        const from = `<sip:huge@${DOMAIN}>;tag=h`;
        const invited = shim.receive(requestText('INVITE', { uri: `sip:alice@${DOMAIN}`, from, body: SDP }), ATTACKER, T0);
        const invite = invited.flatMap((a) => (a.type === 'send' && methodOf(a.text) === 'INVITE' ? [a.text] : []))[0] as string;
        return { shim, answered: answer(invite, 200, 'b', [], body) };
      };
      const time = quickest(prepare, ({ shim, answered }) => {
        const types = shim.receive(answered, ATTACKER, T0).map(({ type }) => type);
        expect(types).toContain('send');
        expect(types).not.toContain('defect');
      });
      if (time > STALL) slow.push(`${name}: ${time} ms`);
    }
    expect(slow).toEqual([]);
  });

  it('takes 64 kB in single bytes', () => {
    const text = message(`OPTIONS sip:${DOMAIN} SIP/2.0`, [`Subject: ${'x'.repeat(65_000)}`]);
    const framer = createFramer(GENEROUS);
    let items = 0;
    for (const byte of text) items += framer.push(byte).length;
    expect(items).toBe(1);
    expect(
      quickest(
        () => createFramer(GENEROUS),
        (fresh) => void fresh.push(text),
      ),
    ).toBeLessThan(STALL);
  });

  it('takes 10,000 damaged messages, none of which throws, stalls it, or leaves a defect', () => {
    const shim = element();
    const local = { address: '127.0.0.2', port: 5060 };
    const fuzz = new FuzzMessages({ transport: 'UDP', local, shim: SHIM, domain: DOMAIN, user: 'fuzz' }, seeded(4475));
    const slow: string[] = [];
    for (let i = 0; i < 10_000; i += 1) {
      const text = fuzz.next();
      const begin = performance.now();
      // The clock goes on, so that timers run out too.
      const actions = shim.receive(text, ATTACKER, T0 + 20 * i);
      actions.push(...shim.expire(T0 + 20 * i));
      if (performance.now() - begin > STALL / 2) slow.push(text);
      for (const action of actions) {
        if (action.type === 'defect') throw action.error;
        if (action.type === 'send' && statusOf(action.text) === 0) fuzz.receive(action.text);
      }
    }
    for (const text of slow)
      expect(
        quickest(element, (fresh) => fresh.receive(text, ATTACKER, T0)),
        text,
      ).toBeLessThan(STALL);
  });
});
