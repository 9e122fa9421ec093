import { afterEach, describe, expect, it } from 'vitest';
import { Phone, type PhoneSettings } from '../support/phone.ts';
import type { IncomingCall } from '../support/phone-call.ts';

/** Two phones without a proxy between: each sends straight to the other. */
async function pair(settings: Partial<PhoneSettings> = {}) {
  const nowhere = { address: '127.0.0.10', port: 9 };
  const bob = await Phone.create({ user: 'bob', domain: 'example.com', registrar: nowhere });
  const registrar = { address: bob.address, port: bob.port };
  const alice = await Phone.create({ user: 'alice', domain: 'example.com', registrar, ...settings });
  phones.push(alice, bob);
  const incoming = Promise.withResolvers<IncomingCall>();
  bob.onInvite = incoming.resolve;
  return { alice, bob, incoming: incoming.promise };
}

const phones: Phone[] = [];
afterEach(() => {
  for (const phone of phones.splice(0)) phone.close();
});

describe('Offhook test phone', () => {
  it('calls, rings, answers, and hangs up from the caller', async () => {
    const { alice, bob, incoming } = await pair();
    const call = alice.call(bob.aor);
    const other = await incoming;
    expect(other.from).toBe(alice.aor);
    other.ring();
    expect(await call.ringing).toBe(true);
    other.answer();
    expect(await call.answered).toBe(200);
    expect(await call.bye()).toBe(200);
    expect(await other.ended).toEqual({ by: 'peer', status: 0 });
  });

  it('hangs up from the callee', async () => {
    const { alice, bob, incoming } = await pair();
    const call = alice.call(bob.aor);
    const other = await incoming;
    other.answer();
    await call.answered;
    expect(await other.bye()).toBe(200);
    expect(await call.ended).toEqual({ by: 'peer', status: 0 });
  });

  it('is refused by a busy callee', async () => {
    const { alice, bob, incoming } = await pair();
    const call = alice.call(bob.aor);
    (await incoming).reject(486);
    expect(await call.answered).toBe(486);
    expect(await call.ended).toEqual({ by: 'rejected', status: 486 });
  });

  it('cancels a call that rings', async () => {
    const { alice, bob, incoming } = await pair();
    const call = alice.call(bob.aor);
    const other = await incoming;
    other.ring();
    await call.ringing;
    call.cancel();
    expect(await other.ended).toEqual({ by: 'cancelled', status: 487 });
    expect(await call.ended).toEqual({ by: 'cancelled', status: 487 });
  });

  it('holds and resumes from either side', async () => {
    const { alice, bob, incoming } = await pair();
    const call = alice.call(bob.aor);
    const other = await incoming;
    other.answer();
    await call.answered;
    const heard: string[] = [];
    other.onOffer = (direction) => heard.push(direction);
    call.onOffer = (direction) => heard.push(direction);
    expect(await call.hold()).toBe(200);
    expect(other.direction).toBe('recvonly');
    expect(await call.resume()).toBe(200);
    expect(await other.hold()).toBe(200);
    expect(heard).toEqual(['sendonly', 'sendrecv', 'sendonly']);
  });

  it('makes the offer in the 200 and the answer in the ACK where asked', async () => {
    const { alice, bob, incoming } = await pair();
    const call = alice.call(bob.aor, { delayedOffer: true });
    (await incoming).answer();
    expect(await call.answered).toBe(200);
    expect(await call.bye()).toBe(200);
  });

  it('answers nothing once out of range', async () => {
    const first = await pair();
    const second = await pair();
    let reached = false;
    first.bob.onInvite = () => {
      reached = true;
    };
    first.bob.vanish();
    first.alice.call(first.bob.aor);
    const heard = second.alice.call(second.bob.aor);
    (await second.incoming).answer();
    await heard.answered;
    // All four live in one event loop: the INVITE sent before has been delivered by now.
    expect(reached).toBe(false);
  });
});
