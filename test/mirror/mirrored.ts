import { Mirror, type MirrorSettings } from '../../shim/core/mirror/mirror.ts';
import type { Observed } from '../../shim/core/mirror/reorder.ts';
import { canonicalAor, domainOf } from '../../worker/protocol/index.ts';
import { type Otherwise, T0, testElement } from '../support/element.ts';
import { requestText, responseText, SDP } from '../support/sip-text.ts';

export const HOUR = 3_600_000;

export const SETTINGS: MirrorSettings = {
  messages: { headerBytes: 16_384, headerCount: 256, bodyBytes: 65_536 },
  registrar: { defaultExpires: 3600, maxExpires: 86_400, maxContacts: 10 },
  cap: 2 * HOUR,
  reorder: 0,
  maxHeld: 100,
  maxRemembered: 1000,
  memory: 40_000,
};

type Place = readonly [address: string, port: number];
export const SERVER: Place = ['192.0.2.1', 5060];
export const PHONES: Record<string, Place> = {
  alice: ['192.0.2.11', 5060],
  bob: ['192.0.2.12', 5062],
  carol: ['192.0.2.13', 5064],
  desk: ['192.0.2.22', 5060],
};
export const at = (who: string): Place => PHONES[who] ?? SERVER;
export const contactOf = (user: string): string => `sip:${user}@${at(user)[0]}:${at(user)[1]}`;
export const aorOf = (user: string): string => `sip:${user}@example.com`;

/** A message on its way from one place to another. */
export interface Mirrored {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

/** A mirror over an element without calls of its own, under the test's clock. */
export function mirrored(settings: Partial<MirrorSettings> = {}, otherwise: Otherwise = {}) {
  const shim = testElement(otherwise);
  const { location, presence } = shim.element;
  let count = 0;
  const userOf = (uri: string) => {
    const aor = canonicalAor(uri);
    return aor !== undefined && domainOf(aor) === 'example.com' ? aor : undefined;
  };
  const open = () => new Mirror({ ...SETTINGS, ...settings }, { location, presence, userOf, unique: () => `leg${count++}` });
  const mirror = open();
  const observe = (one: Mirrored, seen = shim.at.now) => {
    const [source, destination] = [at(one.from), at(one.to)].map(([address, port]) => ({ address, port }));
    return mirror.observe({ text: one.text, transport: 'udp', source, destination, at: seen } as Observed, shim.at.now);
  };
  return {
    ...shim,
    mirror,
    observe,
    show: (...messages: readonly Mirrored[]) => {
      for (const one of messages) observe(one);
      return shim.told();
    },
    /** Time goes by: element and mirror do what is due. */
    wait: (ms: number) => {
      shim.expire(ms);
      mirror.expire(shim.at.now);
      return shim.told();
    },
    /** What the users' calls are at the end, as a snapshot would tell. */
    callsOf: (user: string) =>
      presence.reporter.snapshot(aorOf(user), shim.at.now).calls.map(({ direction, state }) => `${direction} ${state}`),
    registered: (...users: readonly string[]) => {
      for (const user of users) for (const one of register(user)) observe(one);
      shim.told();
    },
  };
}

let registers = 0;
/** REGISTER and 200 between a user's phone and the server. */
export function register(user: string, expires = 600, cseq = ++registers, granted = expires): [Mirrored, Mirrored] {
  const parts = { from: `<${aorOf(user)}>;tag=r`, to: `<${aorOf(user)}>`, callId: `reg-${user}`, cseq };
  const contact = `Contact: <${contactOf(user)}>`;
  const asked = requestText('REGISTER', { ...parts, uri: 'sip:example.com', headers: [`${contact};expires=${expires}`] });
  const list = granted === 0 ? [] : [`${contact};expires=${granted}`];
  const answer = responseText(200, 'REGISTER', { ...parts, to: `<${aorOf(user)}>;tag=s`, headers: list });
  return [
    { from: user, to: 'server', text: asked },
    { from: 'server', to: user, text: answer },
  ];
}

/** The messages of a call from alice to bob through a proxy, each seen on its way in and on its way out. */
export function callMessages(callId = 'call-1', caller = 'alice', callee = 'bob') {
  const dialog = { from: `<${aorOf(caller)}>;tag=a`, to: `<${aorOf(callee)}>;tag=b`, callId };
  const viaOf = (...hops: readonly string[]) => hops.map((hop) => `SIP/2.0/UDP ${hop};branch=z9hG4bK${callId}${hop}`).join(', ');
  const two = viaOf('192.0.2.1', at(caller)[0]);
  const one = viaOf(at(caller)[0]);
  const contact = [`Contact: <${contactOf(callee)}>`];
  const asked = (method: string, parts: object): [Mirrored, Mirrored] => {
    const parties = { ...dialog, ...(method === 'INVITE' ? { to: `<${aorOf(callee)}>` } : {}), ...parts };
    return [
      { from: caller, to: 'server', text: requestText(method, { ...parties, via: one, uri: aorOf(callee) }) },
      { from: 'server', to: callee, text: requestText(method, { ...parties, via: two, uri: contactOf(callee) }) },
    ];
  };
  const answered = (status: number, method: string, parts: object): [Mirrored, Mirrored] => [
    { from: callee, to: 'server', text: responseText(status, method, { ...dialog, via: two, headers: contact, ...parts }) },
    { from: 'server', to: caller, text: responseText(status, method, { ...dialog, via: one, headers: contact, ...parts }) },
  ];
  return {
    invite: asked('INVITE', { body: SDP }),
    ring: answered(180, 'INVITE', {}),
    ok: answered(200, 'INVITE', { body: SDP }),
    busy: answered(486, 'INVITE', { headers: [] }),
    ack: asked('ACK', {}),
    bye: asked('BYE', { cseq: 2 }),
    byeOk: answered(200, 'BYE', { cseq: 2, headers: [] }),
  };
}

export { T0 };
