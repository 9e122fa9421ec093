import { scan } from '../../../shim/core/sip/index.ts';
import { answerTo, flow, type TestElement, testElement } from '../../support/element.ts';
import { mutate, pick } from '../../support/mutate.ts';
import { requestText, SDP, scanned } from '../../support/sip-text.ts';
import { type Mutation, must, type Target } from '../target.ts';

/**
 * An input is a story: parts, one after the other. A part is a message after a digit that says which of the phones it comes from (0 to 4
 * over UDP, 5 to 9 over TCP), or `+` and ms that pass. No byte is the separator.
 */
const NEXT = '\u2192';
/** What a limit of the element lets through is never larger, bytes. */
const ROOMY = { headerBytes: 100_000, headerCount: 1000, bodyBytes: 100_000 };
/** A relayed message has grown by our Via, Record-Route and stamps alone, bytes. */
const MAX_GROWTH = 1500;
/** After so long nothing may be left, ms: longer than the hard cap of a call and any granted registration. */
const END = 12 * 3_600_000;
const MAX_DEADLINES = 5000;

const phone = (n: number) => flow(2 + (n % 5), 5060, n < 5 ? 'udp' : 'tcp');

/** Feeds a story to a fresh element in which alice is at phone 0 and bob at phones 1 and 2; the element then. */
function told(story: string): TestElement {
  const shim = testElement({ transactions: { max: 200 }, upstream: { transport: 'udp', host: '127.0.0.9', port: 5060 } });
  shim.register('alice', phone(0));
  shim.register('bob', phone(1));
  for (const part of story.split(NEXT)) {
    const text = part.slice(1);
    const wait = part.startsWith('+') ? Number(text) : 0;
    const bounded = Number.isFinite(wait) ? Math.min(Math.max(0, wait), END) : 0;
    const from = part.charCodeAt(0) - 48;
    const outcome = part.startsWith('+') ? shim.expire(bounded) : shim.receive(text, phone(from >= 0 && from < 10 ? from : 0));
    if (outcome.defects.length > 0) throw outcome.defects[0];
    must(outcome.sent.length <= 100, `${outcome.sent.length} messages from one`);
    for (const { text: out } of outcome.sent) {
      if (out.startsWith('SIP/')) continue;
      const again = scan(out, ROOMY, 'stream');
      must(again.ok, `a request was sent that is not well-formed: ${again.ok ? '' : again.reason}`);
      // A timer sends what came before.
      must(part.startsWith('+') || out.length <= text.length + MAX_GROWTH || text.length < 2000, `grew to ${out.length}`);
    }
  }
  return shim;
}

/** RFC 3261 16, 17, 10: the whole element. No story makes it throw, grow or keep anything for ever. */
function run(story: string): void {
  const { element, at } = told(story);
  must(element.table.size <= 200, `${element.table.size} transactions`);
  const end = at.now + END;
  for (let i = 0; ; i++) {
    const next = element.nextDeadline();
    if (next === undefined || next > end) break;
    must(i < MAX_DEADLINES, 'the deadlines do not end');
    for (const action of element.expire(next)) if (action.type === 'defect') throw action.error;
  }
  must(element.table.size === 0, `${element.table.size} transactions are left`);
  must(element.presence.tracker.calls.size === 0, `${element.presence.tracker.calls.size} calls are left`);
  must(element.location.size === 0, `${element.location.size} bindings are left`);
  must(element.counters.defects === 0, 'a defect was counted');
}

/** A valid call, made by following what a real element sends: each entry is the part, and what it led to decides the next. */
function recorded(
  scene: (shim: TestElement, say: (n: number, text: string) => ReturnType<TestElement['receive']>) => void,
): string {
  const parts: string[] = [];
  const shim = testElement({ transactions: { max: 200 }, upstream: { transport: 'udp', host: '127.0.0.9', port: 5060 } });
  shim.register('alice', phone(0));
  shim.register('bob', phone(1));
  scene(shim, (n, text) => {
    parts.push(n + text);
    return shim.receive(text, phone(n));
  });
  return parts.join(NEXT);
}

const via = (branch: string) => `SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK${branch}`;
const contact = (n: number) => `Contact: <sip:p${n}@127.0.0.${n + 2}:5060>`;
const ROUTE = 'Route: <sip:127.0.0.1:5060;lr>';

function invite(callId: string, headers: readonly string[] = [], body = SDP): string {
  return requestText('INVITE', { via: via(callId), callId, headers: [contact(0), ...headers], body });
}

/** INVITE, 180, 200, ACK, and whatever follows within the dialog. */
function call(callId: string, ...later: [method: string, headers: string[], body?: string][]): string {
  return recorded((_, say) => {
    const out = say(0, invite(callId)).messages.find((m) => m.method === 'INVITE');
    if (!out) return;
    say(1, answerTo(out, 180, { headers: [contact(1)] }));
    say(1, answerTo(out, 200, { headers: [contact(1)], body: SDP }));
    const within = { uri: 'sip:p1@127.0.0.3:5060', to: '<sip:bob@example.com>;tag=b', callId };
    say(0, requestText('ACK', { ...within, via: via(`${callId}ack`), headers: [ROUTE] }));
    for (const [i, [method, headers, body]] of later.entries()) {
      const parts = { ...within, via: via(`${callId}${i}`), cseq: i + 2, headers: [ROUTE, contact(0), ...headers] };
      const sent = say(0, requestText(method, { ...parts, ...(body === undefined ? {} : { body }) })).messages;
      const asked = sent.find((m) => m.method === method && m.status === 0);
      if (asked) say(1, answerTo(asked, 200, { headers: [contact(1)] }));
    }
  });
}

const HOLD = SDP.replace('m=audio', 'a=sendonly\r\nm=audio');

const SEEDS: readonly string[] = [
  call('plain', ['BYE', []]),
  call('held', ['INVITE', [], HOLD], ['UPDATE', ['Session-Expires: 90;refresher=uac'], SDP], ['BYE', []]),
  call(
    'moved',
    ['REFER', ['Refer-To: <sip:carol@example.com?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>']],
    ['NOTIFY', ['Event: refer']],
  ),
  recorded((_, say) => {
    const out = say(0, invite('given-up', ['Supported: 100rel, timer'])).messages.find((m) => m.method === 'INVITE');
    if (out) say(1, answerTo(out, 183, { headers: [contact(1), 'Require: 100rel', 'RSeq: 1'], body: SDP }));
    say(0, requestText('CANCEL', { via: via('given-up'), callId: 'given-up' }));
    if (out) say(1, answerTo(out, 487));
  }),
  recorded((_, say) => {
    const out = say(0, invite('busy')).messages.find((m) => m.method === 'INVITE');
    if (out) say(1, answerTo(out, 486));
    if (out) say(1, answerTo(out, 302, { headers: ['Contact: <sip:carol@127.0.0.4>;q=0.5, <sip:dave@127.0.0.5>'] }));
  }),
  recorded((_, say) => {
    for (const n of [0, 2, 7]) {
      const parts = { uri: 'sip:example.com', from: '<sip:bob@example.com>;tag=r', to: '<sip:bob@example.com>', callId: `r${n}` };
      say(
        n,
        requestText('REGISTER', {
          ...parts,
          via: via(`reg${n}`),
          headers: [contact(n), 'Expires: 60', 'Path: <sip:127.0.0.6;lr>'],
        }),
      );
      say(n, requestText('REGISTER', { ...parts, via: via(`off${n}`), cseq: 2, headers: ['Contact: *', 'Expires: 0'] }));
    }
    say(0, invite('forked'));
  }),
  recorded((_, say) => {
    for (const method of ['OPTIONS', 'MESSAGE', 'SUBSCRIBE', 'PUBLISH', 'INFO', 'PRACK']) {
      say(0, requestText(method, { via: via(method), callId: method, headers: [contact(0), 'Event: presence'] }));
    }
  }),
];

/** Mutates one message of the story, or the story itself. */
const mutateStory: Mutation = (story, other, chance) => {
  const parts = story.split(NEXT);
  const i = Math.floor(chance() * parts.length);
  const part = parts[i] as string;
  const roll = chance();
  const foreign = pick(chance, other.split(NEXT));
  if (roll < 0.55) return parts.with(i, part.slice(0, 1) + mutate(part.slice(1), foreign.slice(1), chance)).join(NEXT);
  if (roll < 0.65) return parts.toSpliced(i, 0, `+${pick(chance, [1, 500, 4000, 32_000, 200_000, 4_000_000])}`).join(NEXT);
  if (roll < 0.75) return parts.toSpliced(i, 1).join(NEXT);
  if (roll < 0.85) return parts.toSpliced(i, 0, foreign).join(NEXT);
  if (roll < 0.92) return parts.with(i, String(Math.floor(chance() * 10)) + part.slice(1)).join(NEXT);
  if (roll < 0.96) return parts.toSpliced(i, 0, part).join(NEXT);
  return [...parts.slice(0, i), ...other.split(NEXT).slice(i)].join(NEXT);
};

export const element: Target = {
  name: 'element',
  seeds: SEEDS.filter((story) => scanned(story.split(NEXT)[0]?.slice(1) ?? '')),
  mutate: mutateStory,
  run,
};
