import type { Phone } from '../support/phone.ts';
import { BRIEF, type Stage } from './stage.ts';

/** A longer story, told again and again: calls, hold, a busy line, a call given up, and the two ways out of off-line waiting. */
export async function evening(stage: Stage): Promise<void> {
  const alice = await stage.phone('alice', 'Alice');
  const bob = await stage.phone('bob', 'Bob');
  const carol = await stage.phone('carol', 'Carol');
  for (;;) {
    stage.say('alice, bob and carol register');
    await stage.register(alice, 3600);
    await stage.register(carol, 3600);
    await stage.register(bob, BRIEF);
    await stage.pause();
    await talkAndHold(stage, alice, bob);
    await busy(stage, alice, bob, carol);
    await givenUp(stage, carol, bob);
    await backInRange(stage, alice, bob);
    await outOfRange(stage, alice, bob);
    stage.say('carol goes home: she de-registers');
    await carol.unregister();
    await stage.pause();
  }
}

async function talkAndHold(stage: Stage, alice: Phone, bob: Phone): Promise<void> {
  const call = await talk(stage, alice, bob);
  stage.say('bob puts alice on hold');
  await call.incoming.hold();
  await stage.pause();
  stage.say('and takes her back');
  await call.incoming.resume();
  await stage.pause();
  stage.say('bob hangs up');
  await call.incoming.bye();
  await stage.pause();
}

async function busy(stage: Stage, alice: Phone, bob: Phone, carol: Phone): Promise<void> {
  const call = await talk(stage, alice, bob);
  stage.say('carol calls alice, whose line is busy');
  alice.onInvite = (incoming) => incoming.reject(486);
  await carol.call(alice.aor).answered;
  await stage.pause();
  stage.say('alice hangs up');
  await call.call.bye();
  await stage.pause();
}

async function givenUp(stage: Stage, carol: Phone, bob: Phone): Promise<void> {
  stage.say('carol calls bob');
  const { call } = await stage.ring(carol, bob);
  await stage.pause();
  stage.say('and gives up');
  call.cancel();
  await call.ended;
  await stage.pause();
}

async function backInRange(stage: Stage, alice: Phone, bob: Phone): Promise<void> {
  const { call } = await talk(stage, alice, bob);
  stage.say('bob drops out of range');
  bob.vanish();
  await stage.see(bob, 'off-line waiting', (p) => p.terminalStatus === 'offline-waiting', (BRIEF + 5) * 1000);
  await stage.pause();
  stage.say('bob is back in range; the call went on all the time');
  await bob.reappear({ expires: BRIEF });
  await stage.pause();
  stage.say('alice hangs up');
  await call.bye();
  await stage.pause();
}

async function outOfRange(stage: Stage, alice: Phone, bob: Phone): Promise<void> {
  const { call, incoming } = await talk(stage, alice, bob);
  stage.say('bob drops out of range, for good');
  bob.vanish();
  await stage.see(bob, 'off-line waiting', (p) => p.terminalStatus === 'offline-waiting', (BRIEF + 5) * 1000);
  await stage.pause();
  stage.say('alice hangs up; nobody answers her BYE');
  void call.bye();
  await stage.see(bob, 'offline', (p) => p.status === 'offline');
  incoming.finish({ by: 'peer', status: 0 });
  await stage.pause();
  bob.returnToRange();
}

async function talk(stage: Stage, from: Phone, to: Phone) {
  stage.say(`${nameOf(from)} calls ${nameOf(to)}`);
  const call = await stage.ring(from, to);
  await stage.pause();
  stage.say(`${nameOf(to)} answers`);
  call.incoming.answer();
  await call.call.answered;
  await stage.pause();
  return call;
}

const nameOf = (phone: Phone) => phone.aor.slice('sip:'.length, phone.aor.indexOf('@'));
