import { beforeEach, describe, expect, it } from 'vitest';
import { learn } from '../../shim/core/registrar/learn.ts';
import { Location } from '../../shim/core/registrar/location.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { request, response } from '../support/sip-text.ts';

const AOR = 'sip:alice@example.com';
const PARTIES = { uri: 'sip:example.com', from: `<${AOR}>;tag=r`, to: `<${AOR}>` };
const FLOW: Flow = {
  transport: 'udp',
  local: { address: '192.0.2.1', port: 5060 },
  remote: { address: '198.51.100.7', port: 1024 },
};

let location: Location;
let now: number;
let policy = { defaultExpires: 3600, maxExpires: 86_400, maxContacts: 3 };
beforeEach(() => {
  location = new Location();
  now = 1_000_000;
  policy = { defaultExpires: 3600, maxExpires: 86_400, maxContacts: 3 };
});

/** The changes that one REGISTER with these header lines and its 200 with those bring, in short. */
function registered(asked: readonly string[], granted: readonly string[], more: { callId?: string; cseq?: number } = {}) {
  const parts = { ...PARTIES, callId: 'phone-1', cseq: 1, ...more };
  const question = request('REGISTER', { ...parts, headers: asked });
  const answer = response(200, 'REGISTER', { ...parts, to: `<${AOR}>;tag=s`, headers: granted });
  const changes = learn(question, answer, { aor: AOR, location, flow: FLOW, policy, now });
  return changes.map((change) => `${change.type === 'removed' ? change.reason : change.type} ${change.binding.contact}`);
}
const left = () => location.lookup(AOR, now).map(({ contact, expiresAt }) => [contact, (expiresAt - now) / 1000]);

const ONE = 'sip:alice@192.168.0.5:5060';
const TWO = 'sip:alice@192.168.0.6:5060';

describe('RFC 3261 10.2.4 bindings learned from the 2xx of another registrar', () => {
  it.each([
    ['the time granted in the Contact', [`Contact: <${ONE}>;expires=600`], [`Contact: <${ONE}>;expires=120`], 120],
    ['the time granted in Expires', [`Contact: <${ONE}>`, 'Expires: 600'], [`Contact: <${ONE}>`, 'Expires: 90'], 90],
    ['the wish, where a registrar lists nothing', [`Contact: <${ONE}>`, 'Expires: 600'], [], 600],
    ['the default, where nobody names a time', [`Contact: <${ONE}>`], [`Contact: <${ONE}>`], 3600],
    ['no more than is believed', [`Contact: <${ONE}>`], [`Contact: <${ONE}>;expires=999999`], 86_400],
  ])('takes %s', (_what, asked, granted, seconds) => {
    expect(registered(asked, granted)).toEqual([`added ${ONE}`]);
    expect(left()).toEqual([[ONE, seconds]]);
  });

  it.each([
    ['with the address that the request came from', [`Contact: <sip:alice@198.51.100.7:1024>;expires=60, <${TWO}>;expires=50`]],
    ['under another name where it is the only one', ['Contact: <sip:abc123@pbx.example.com>;expires=60']],
    ['by its instance', [`Contact: <${TWO}>;expires=50, <sip:x@10.0.0.1>;expires=60;+sip.instance="<urn:uuid:1>"`]],
  ])('knows a contact that the registrar has rewritten: %s', (_what, granted) => {
    registered([`Contact: <${ONE}>;expires=600;+sip.instance="<urn:uuid:1>"`], granted);
    expect(left()).toEqual([[ONE, 60]]);
  });

  it('does not believe in a contact that the 2xx leaves out of its list', () => {
    expect(registered([`Contact: <${ONE}>;expires=600`], [`Contact: <${TWO}>;expires=60, <sip:b@host>;expires=9`])).toEqual([]);
  });

  it('ends what is de-registered, one contact or all', () => {
    registered([`Contact: <${ONE}>, <${TWO}>`], [`Contact: <${ONE}>;expires=60, <${TWO}>;expires=60`]);
    expect(registered([`Contact: <${ONE}>;expires=0`], [`Contact: <${TWO}>;expires=60`], { cseq: 2 })).toEqual([
      `unregistered ${ONE}`,
    ]);
    expect(registered(['Contact: *', 'Expires: 0'], [], { cseq: 3 })).toEqual([`unregistered ${TWO}`]);
    expect(location.size).toBe(0);
  });

  it('takes a second copy, or a late one, for nothing new', () => {
    registered([`Contact: <${ONE}>;expires=60`], [`Contact: <${ONE}>;expires=60`], { cseq: 5 });
    now += 10_000;
    expect(registered([`Contact: <${ONE}>;expires=60`], [`Contact: <${ONE}>;expires=60`], { cseq: 5 })).toEqual([]);
    expect(registered([`Contact: <${ONE}>;expires=0`], [], { cseq: 4 })).toEqual([]);
    expect(left()).toEqual([[ONE, 50]]);
  });

  it('takes a list of more than was asked for as the whole: it renews what it lists, and ends what it does not', () => {
    registered([`Contact: <${ONE}>`], [`Contact: <${ONE}>;expires=60`]);
    registered([`Contact: <${TWO}>`], [`Contact: <${TWO}>;expires=60`], { callId: 'phone-2' });
    expect(left()).toEqual([
      [ONE, 60],
      [TWO, 60],
    ]);
    now += 30_000;
    const third = 'sip:alice@192.168.0.7:5060';
    const list = [`Contact: <${third}>;expires=60`, `Contact: <${ONE}>;expires=55`];
    expect(registered([`Contact: <${third}>`], list, { callId: 'phone-3' })).toEqual([
      `added ${third}`,
      `refreshed ${ONE}`,
      `displaced ${TWO}`,
    ]);
  });

  it('leaves the other phones alone where a registrar lists only the one that asked', () => {
    registered([`Contact: <${ONE}>`], [`Contact: <${ONE}>;expires=60`]);
    expect(registered([`Contact: <${TWO}>`], [`Contact: <${TWO}>;expires=60`], { callId: 'phone-2' })).toEqual([`added ${TWO}`]);
    expect(location.size).toBe(2);
  });

  it('keeps to its limits: the one refreshed longest ago goes', () => {
    policy = { ...policy, maxContacts: 1 };
    registered([`Contact: <${ONE}>`], [`Contact: <${ONE}>;expires=60`]);
    expect(registered([`Contact: <${TWO}>`], [`Contact: <${TWO}>;expires=90`], { callId: 'phone-2' })).toEqual([
      `added ${TWO}`,
      `displaced ${ONE}`,
    ]);
    const full = new Location({ bindings: 0 });
    location = full;
    registered([`Contact: <${ONE}>`], [`Contact: <${ONE}>;expires=60`]);
    expect(full.size).toBe(0);
  });

  it('makes nothing of contacts that no call could be sent to', () => {
    const bad = ['Contact: <mailto:a@b>;expires=60'];
    expect(registered(bad, bad)).toEqual([]);
  });
});
