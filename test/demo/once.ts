import { BRIEF, type Stage } from './stage.ts';

/**
 * The story of one call during which the callee drops out of range: its registration runs out, the user is off-line waiting
 * (FIG. 8), and off-line when the call is over. Throws where a step is not seen, in order, within its time.
 */
export async function once(stage: Stage): Promise<void> {
  const alice = await stage.phone('alice', 'Alice');
  const bob = await stage.phone('bob', 'Bob');

  stage.say('alice and bob register');
  await stage.register(alice, 3600);
  await stage.register(bob, BRIEF);
  for (const phone of [alice, bob]) {
    await stage.see(phone, 'online and idle', (p) => p.terminalStatus === 'online' && p.callStatus === 'idle');
  }

  stage.say('alice calls bob');
  const { call, incoming } = await stage.ring(alice, bob);
  await stage.see(bob, 'ringing', (p) => p.callStatus === 'ringing');
  await stage.pause();

  stage.say('bob answers');
  incoming.answer();
  await call.answered;
  for (const phone of [alice, bob]) {
    await stage.see(phone, 'talking', (p) => p.status === 'talking' && p.callStatus === 'talking');
  }
  await stage.pause();

  stage.say(`bob drops out of range; his registration of ${BRIEF} s runs out while he talks`);
  bob.vanish();
  const waiting = (BRIEF + 5) * 1000;
  await stage.see(bob, 'off-line waiting', (p) => p.terminalStatus === 'offline-waiting' && p.callStatus === 'talking', waiting);
  await stage.pause();

  stage.say('alice hangs up; nobody answers her BYE');
  void call.bye();
  await stage.see(alice, 'terminating or idle', (p) => p.callStatus === 'terminating' || p.callStatus === 'idle');
  await stage.see(bob, 'offline', (p) => p.terminalStatus === 'offline' && p.status === 'offline');
  incoming.finish({ by: 'peer', status: 0 });
}
