import { LIMITS, type MediaReport, type SessionType } from '#protocol';
import { body, header, type Message, own } from '../sip/index.ts';

/** Which ways media flow: the sum of these, 0 for none. In a description they are its author's: SENDS, RECEIVES. */
export const SENDS = 1;
export const RECEIVES = 2;
const BOTH = SENDS | RECEIVES;

/** One stream of a session description, by its place in it (RFC 3264 5: answers go by place). */
export interface Stream {
  readonly type: string;
  readonly codec?: string;
  /** What its author does with it: sum of SENDS and RECEIVES. */
  readonly flow: number;
  /** Port 0: refused, or taken away (RFC 3264 6, 8.2). */
  readonly off?: true;
}

/** A table whose keys come from others: it has what is put there and nothing of what every object has (`constructor`, `__proto__`). */
const tableOf = <T>(entries: Record<string, T>): Record<string, T> => Object.assign(Object.create(null), entries);

const DIRECTIONS = tableOf({ sendrecv: BOTH, sendonly: SENDS, recvonly: RECEIVES, inactive: 0 });
const NAMES = ['inactive', 'sendonly', 'recvonly', 'sendrecv'] as const;

/** RFC 3551 6: payload types with a fixed meaning, for descriptions that do not spell them out. */
const STATIC = tableOf({
  '0': 'PCMU',
  '3': 'GSM',
  '4': 'G723',
  '8': 'PCMA',
  '9': 'G722',
  '15': 'G728',
  '18': 'G729',
});
/** The usual words, which need no copy of their own in each call. */
const USUAL: ReadonlyMap<string, string> = new Map(
  ['audio', 'video', ...Object.values(STATIC), 'opus', 'H264', 'VP8'].map((word) => [word, word]),
);
const kept = (word: string): string => USUAL.get(word) ?? own(word);

/** The streams of the session description that a message carries, alone or as a part of several; undefined where it carries none. */
export function streamsOf(m: Message): Stream[] | undefined {
  if (m.bodyStart >= m.text.length) return undefined;
  const type = (header(m, 'content-type') ?? '').toLowerCase();
  if (type.includes('sdp') && !type.startsWith('multipart/')) return parseStreams(body(m));
  return type.startsWith('multipart/') ? partOf(body(m)) : undefined;
}

/** RFC 5621 3: the session description among several parts. */
function partOf(text: string): Stream[] | undefined {
  const found = /^content-type:[ \t]*application\/sdp/im.exec(text);
  const start = found ? text.indexOf('\r\n\r\n', found.index) : -1;
  if (start === -1) return undefined;
  const end = text.indexOf('\r\n--', start);
  return parseStreams(text.slice(start, end === -1 ? text.length : end));
}

interface Draft {
  readonly type: string;
  readonly port: string;
  readonly format: string;
  codec?: string;
  flow?: number;
  deaf?: boolean;
}

/**
 * The streams of a session description (RFC 8866): type, first codec, direction. Lines that are not understood are passed over.
 * RFC 3264 8.4: RFC 2543 put on hold by "setting the connection address to 0.0.0.0", and "a User Agent MUST be capable of receiving" that:
 * whoever names it receives nothing. With ICE it says no more than that the candidates are yet to come (RFC 8840 4.1.1).
 */
export function parseStreams(sdp: string): Stream[] {
  const drafts: Draft[] = [];
  const session: { flow?: number; deaf?: boolean } = {};
  let ice = false;
  for (const line of sdp.split('\n')) {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    const draft = drafts.at(-1);
    const current = draft ?? session;
    if (text.startsWith('m=')) {
      if (drafts.length === LIMITS.media) break;
      const [type = '', port = '', , format = ''] = text.slice(2).split(' ');
      drafts.push({ type: type.slice(0, 16), port, format });
    } else if (text.startsWith('c=')) {
      current.deaf = / (?:0\.0\.0\.0|::)$/.test(text);
    } else if (text.startsWith('a=rtpmap:') && draft) {
      const [format, encoding = ''] = text.slice(9).split(' ');
      if (format === draft.format) draft.codec = (encoding.split('/')[0] as string).slice(0, 32);
    } else if (text.startsWith('a=ice-ufrag:')) {
      ice = true;
    } else if (text.startsWith('a=') && DIRECTIONS[text.slice(2)] !== undefined) {
      current.flow = DIRECTIONS[text.slice(2)] as number;
    }
  }
  return drafts.map(({ type, port, format, codec = STATIC[format], flow = session.flow ?? BOTH, deaf = session.deaf }) => ({
    type: kept(type),
    ...(codec ? { codec: kept(codec) } : {}),
    flow: deaf && !ice ? flow & ~RECEIVES : flow,
    ...(port === '0' || type === '' ? { off: true as const } : {}),
  }));
}

/**
 * What an offer and its answer come to, as the one who answered sees it (RFC 3264 6): a stream flows where one sends and the other receives.
 * The codec is the answer's first.
 */
export function agreed(offer: readonly Stream[], answer: readonly Stream[]): MediaReport[] {
  return answer.flatMap(({ type, codec, flow, off }, i): MediaReport[] => {
    const other = offer[i];
    if (off || other?.off) return [];
    const common = other === undefined ? flow : flow & mirrored(other.flow);
    const named = codec ?? other?.codec;
    return [{ type, ...(named ? { codec: named } : {}), direction: NAMES[common] as NonNullable<MediaReport['direction']> }];
  });
}

/** The same flow, seen from the other end. */
const mirrored = (flow: number): number => ((flow & SENDS) << 1) | ((flow & RECEIVES) >> 1);

/** The same media, as the other end sees them. */
export function mirroredMedia(media: readonly MediaReport[]): MediaReport[] {
  return media.map((one) =>
    one.direction === undefined ? one : { ...one, direction: NAMES[mirrored(DIRECTIONS[one.direction] as number)] as 'sendrecv' },
  );
}

/** Are these the same media, in the same order. */
export const sameMedia = (a: readonly MediaReport[], b: readonly MediaReport[]): boolean =>
  a.length === b.length &&
  a.every(({ type, codec, direction }, i) => b[i]?.type === type && b[i].codec === codec && b[i].direction === direction);

/** Which ways anything is heard or seen: of sound and picture where there are any, else of all. */
export function flowOf(media: readonly MediaReport[]): number {
  const heard = media.filter(({ type }) => type === 'audio' || type === 'video');
  const all = heard.length > 0 ? heard : media;
  return all.length === 0 ? BOTH : all.reduce((sum, { direction }) => sum | (DIRECTIONS[direction ?? 'sendrecv'] as number), 0);
}

/** Voice or video, from the media alone. */
export function sessionOf(media: readonly MediaReport[]): SessionType {
  if (media.some((m) => m.type === 'video')) return 'video';
  return media.some((m) => m.type === 'audio') ? 'voice' : 'unknown';
}
