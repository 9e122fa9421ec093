import { describe, expect, it } from 'vitest';
import { aorOf, callMessages, contactOf, HOUR, type Mirrored, mirrored, register } from './mirrored.ts';

const sorted = (told: readonly string[]) => [...told].sort();

describe('FIG. 7 registrations that are mirrored', () => {
  it('are told when their 2xx has passed, with the time that was granted, and end by it', () => {
    const shim = mirrored();
    const [asked, granted] = register('alice', 600, 1, 120);
    expect(shim.show(asked)).toEqual([]);
    expect(shim.show(granted)).toEqual(['alice online']);
    expect(shim.wait(119_000)).toEqual([]);
    expect(shim.wait(1_000)).toEqual(['alice offline']);
  });

  it('are told where the 2xx overtakes the REGISTER, and once where both are mirrored twice', () => {
    const shim = mirrored();
    const [asked, granted] = register('alice');
    expect(shim.show(granted, asked, asked, granted, granted)).toEqual(['alice online']);
    expect(shim.mirror.counters.registrations).toBe(1);
  });

  it('are not told where the registrar refuses, or of a domain that is not served', () => {
    const shim = mirrored();
    const [asked, granted] = register('alice');
    const refused = { ...granted, text: granted.text.replace('SIP/2.0 200', 'SIP/2.0 403') };
    expect(shim.show(asked, refused)).toEqual([]);
    const foreign = register('bob').map((one) => ({ ...one, text: one.text.replaceAll('example.com', 'example.org') }));
    expect(shim.show(...foreign)).toEqual([]);
    expect(shim.mirror.counters.foreign).toBe(1);
  });

  it('end when the phone says so; an old copy that comes after does not bring them back', () => {
    const shim = mirrored();
    const old = register('alice', 600, 101);
    shim.show(...old);
    expect(shim.show(...register('alice', 0, 102))).toEqual(['alice offline']);
    expect(shim.show(...old)).toEqual([]);
  });

  it('are renewed by a 2xx whose REGISTER was lost, for what is known', () => {
    const shim = mirrored();
    shim.show(...register('alice', 100, 201));
    shim.wait(50_000);
    shim.show(register('alice', 100, 202)[1], register('bob', 100, 203)[1]);
    shim.wait(45_000);
    shim.wait(54_000);
    expect(shim.element.location.has(aorOf('alice'), shim.at.now)).toBe(true);
    expect(shim.element.location.has(aorOf('bob'), shim.at.now)).toBe(false);
  });

  it('come from the phone, also where a proxy between has been mirrored first', () => {
    const shim = mirrored();
    const [asked, granted] = register('alice');
    const behind = {
      from: 'server',
      to: 'server',
      text: asked.text.replace('Via: ', 'Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKp, '),
    };
    shim.show(behind, asked, granted);
    expect(shim.element.location.get(aorOf('alice'))[0]?.flow.remote.address).toBe('192.0.2.11');
  });
});

describe('FIG. 3 to 6 calls that are mirrored', () => {
  it('are told of both users, once, though each message is seen on its way in and out', () => {
    const shim = mirrored();
    shim.registered('alice', 'bob');
    const call = callMessages();
    expect(shim.show(...call.invite)).toEqual([]);
    expect(sorted(shim.show(...call.ring))).toEqual(['alice early', 'bob early']);
    expect(sorted(shim.show(...call.ok))).toEqual(['alice talking', 'bob talking']);
    expect(shim.show(...call.ack)).toEqual([]);
    expect(sorted(shim.show(...call.bye))).toEqual(['alice terminating', 'bob terminating']);
    expect(sorted(shim.show(...call.byeOk))).toEqual(['alice idle', 'bob idle']);
    expect(shim.element.presence.tracker.calls.size).toBe(0);
  });

  it('are told once where two senders mirror all of it', () => {
    const shim = mirrored();
    shim.registered('alice', 'bob');
    const { invite, ring, ok, ack, bye, byeOk } = callMessages();
    const twice = [invite, ring, ok, ack, bye, byeOk].flatMap((copies) => [...copies, ...copies]);
    const told = shim.show(...twice);
    expect(sorted(told)).toEqual(
      sorted(['alice', 'bob'].flatMap((u) => ['early', 'talking', 'terminating', 'idle'].map((s) => `${u} ${s}`))),
    );
  });

  it('of a back-to-back PBX are two calls of two users, each with its own', () => {
    const shim = mirrored();
    shim.registered('alice', 'bob');
    const [inbound, outbound] = [callMessages('in'), callMessages('out')];
    // The PBX answers alice under a contact of its own, and calls bob in alice's name.
    const own = (one: Mirrored) => ({ ...one, text: one.text.replace(contactOf('bob'), 'sip:pbx@192.0.2.1') });
    shim.show(inbound.invite[0], outbound.invite[1], outbound.ring[0], own(inbound.ring[1]), outbound.ok[0], own(inbound.ok[1]));
    expect(shim.callsOf('alice')).toEqual(['outgoing confirmed']);
    expect(shim.callsOf('bob')).toEqual(['incoming confirmed']);
    shim.show(outbound.bye[1], outbound.byeOk[0]);
    expect(shim.callsOf('alice')).toEqual(['outgoing confirmed']);
    expect(shim.callsOf('bob')).toEqual([]);
  });

  it('end for the phone that refuses alone, and for all where the caller is refused', () => {
    const shim = mirrored();
    shim.registered('alice', 'bob', 'carol');
    const [toBob, toCarol] = [callMessages('f', 'alice', 'bob'), callMessages('f', 'alice', 'carol')];
    shim.show(toBob.invite[0], toBob.invite[1], toCarol.invite[1], ...toBob.ring);
    shim.show({ ...toCarol.ring[0], text: toCarol.ring[0].text.replace('tag=b', 'tag=c') });
    expect(shim.show({ ...toCarol.busy[0], text: toCarol.busy[0].text.replace('tag=b', 'tag=c') })).toEqual(['carol idle']);
    expect(shim.callsOf('bob')).toEqual(['incoming early']);
    expect(sorted(shim.show(toBob.busy[1]))).toEqual(['alice idle', 'bob idle']);
  });

  it('ring on at the other phone of a user one of whose phones refuses', () => {
    const shim = mirrored();
    shim.registered('alice', 'bob');
    /** The same with bob's second phone. */
    const other = ({ from, to, text }: Mirrored): Mirrored => ({
      from: from === 'bob' ? 'desk' : from,
      to: to === 'bob' ? 'desk' : to,
      text: text.replaceAll(contactOf('bob'), 'sip:bob@192.0.2.22:5060').replaceAll(/(Call-ID: reg|branch=|;tag=b)/g, '$1-desk'),
    });
    shim.show(...register('bob').map(other));
    const { invite, ring, busy } = callMessages();
    shim.show(...invite, other(invite[1]), invite[1], ...ring);
    expect(shim.show(other(busy[0]), other(busy[0]))).toEqual([]);
    expect(shim.callsOf('bob')).toEqual(['incoming early']);
    expect(shim.show(busy[0], busy[0])).toEqual(['bob idle']);
  });

  it("are nobody's who is not registered, and no caller's on a name alone", () => {
    const shim = mirrored();
    shim.registered('bob');
    const stranger = callMessages();
    expect(sorted(shim.show(...stranger.invite, ...stranger.ring))).toEqual(['bob early']);
    shim.registered('alice');
    const forged = callMessages('forged');
    shim.show({ ...forged.invite[0], from: 'carol' }, forged.ring[0], { ...forged.ring[1], to: 'carol' });
    expect(shim.callsOf('alice')).toEqual([]);
  });

  it('are known by their answer where the INVITE was lost', () => {
    const shim = mirrored();
    shim.registered('alice', 'bob');
    const call = callMessages();
    expect(sorted(shim.show(...call.ok))).toEqual(['alice talking', 'bob talking']);
    expect(shim.mirror.counters.pieced).toBe(2);
    shim.show(...call.invite);
    expect(shim.callsOf('alice')).toEqual(['outgoing confirmed']);
    shim.show(...call.bye, ...call.byeOk);
    expect([shim.callsOf('alice'), shim.callsOf('bob')]).toEqual([[], []]);
    shim.show(...call.ok, ...call.invite, ...call.ring);
    expect(shim.element.presence.tracker.calls.size).toBe(0);
  });

  it('end though the BYE has overtaken the 2xx', () => {
    const shim = mirrored();
    shim.registered('alice', 'bob');
    const call = callMessages();
    shim.show(...call.invite, ...call.ring, ...call.bye, ...call.byeOk, ...call.ok);
    shim.wait(40_000);
    expect([shim.callsOf('alice'), shim.callsOf('bob')]).toEqual([[], []]);
  });

  it('begin to talk though the ACK has overtaken the 2xx', () => {
    const shim = mirrored({}, { tracker: { talking: 'on-ack' } });
    shim.registered('alice', 'bob');
    const call = callMessages();
    shim.show(...call.invite, ...call.ring, ...call.ack, ...call.ok);
    expect([shim.callsOf('alice'), shim.callsOf('bob')]).toEqual([['outgoing confirmed'], ['incoming confirmed']]);
  });

  it('whose BYE is lost end by the cap of mirrored calls', () => {
    const shim = mirrored();
    shim.show(...register('alice', 80_000), ...register('bob', 80_000));
    const call = callMessages();
    shim.show(...call.invite, ...call.ok, ...call.ack);
    expect(shim.wait(2 * HOUR - 1)).toEqual([]);
    expect(sorted(shim.wait(1))).toEqual(['alice idle', 'alice terminating', 'bob idle', 'bob terminating']);
  });

  it('reach a phone by the address that its REGISTER came from, as a PBX has it of phones behind NAT', () => {
    const shim = mirrored();
    const [asked, granted] = register('bob');
    shim.show(asked, granted).concat(shim.show(...register('alice')));
    const inside = (text: string) => text.replaceAll(contactOf('bob'), 'sip:bob@10.0.0.5:5060');
    const behind = mirrored();
    behind.show({ ...asked, text: inside(asked.text) }, { ...granted, text: inside(granted.text) });
    const call = callMessages();
    expect(behind.show(...call.invite, ...call.ring)).toEqual(['bob early']);
  });
});

describe('Offhook mirrored messages out of order', () => {
  it('are put in order within the window, and go on when it is over', () => {
    const shim = mirrored({ reorder: 200 });
    const [asked, granted] = register('alice');
    const call = callMessages();
    shim.observe(granted, shim.at.now + 2);
    shim.observe(asked, shim.at.now + 1);
    for (const [i, one] of [...call.invite, ...call.ring].reverse().entries()) shim.observe(one, shim.at.now + 20 - i);
    expect(shim.mirror.held).toBe(6);
    expect(shim.wait(199)).toEqual([]);
    expect(shim.wait(1)).toEqual(['alice online', 'alice early']);
    expect(shim.mirror.held).toBe(0);
    expect(shim.mirror.counters.pieced).toBe(0);
  });

  it('are held no more than the limit says', () => {
    const shim = mirrored({ reorder: 200, maxHeld: 1 });
    const [asked, granted] = register('alice');
    shim.observe(asked);
    shim.observe(granted);
    expect(shim.mirror.held).toBe(1);
  });
});
