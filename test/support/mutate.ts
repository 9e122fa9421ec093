/** Numbers in [0, 1) from a seed: mulberry32 (public domain, by Tommy Ettinger). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers in [0, 1). */
export type Chance = () => number;

/** A whole number from 0, below `limit`. */
export const below = (chance: Chance, limit: number): number => Math.floor(chance() * limit);
export const pick = <T>(chance: Chance, from: readonly T[]): T => from[below(chance, from.length)] as T;

/** What upsets parsers: separators of every level, line ends, NUL, bytes beyond ASCII, whole values that change how the rest is read. */
const SPICE = [
  ...'\r\n\t "\'<>;:,=@%\\/()[]{}&?*+-.\0\x7f\x80\xff',
  '\r\n',
  '\r\n\r\n',
  '\r\n ',
  '\r',
  '%00',
  '%',
  '%zz',
  '\xc3\x28',
  '\xf0\x9f\x93\x9e',
  '<<>>',
  '""',
  '"\\',
  ';;',
  ',,',
  ';lr',
  ';tag=',
  ';branch=z9hG4bK',
  ';rport',
  ';maddr=127.0.0.1',
  ';received=[::1]',
  ';transport=tcp',
  '[::1]',
  '[::ffff:127.0.0.1]:5060',
  'sip:',
  'sips:a@b',
  'tel:+1-201-555-0123',
  '*',
  'SIP/2.0',
  '__proto__',
  'constructor',
];
const NUMBERS = [
  '0',
  '-1',
  '1',
  '00',
  '255',
  '256',
  '65535',
  '65536',
  '99999',
  '2147483648',
  '4294967296',
  '9'.repeat(40),
  '',
  '1e9',
  '0x10',
];
const METHODS = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'REGISTER',
  'OPTIONS',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'REFER',
  'invite',
  'X',
];

type Way = (text: string, chance: Chance, other: string) => string;

/** Damages within one header value: most of them leave a message that is well-formed, and strange. */
const GENTLE: readonly Way[] = [
  (text, chance) => inValue(text, chance, (value) => at(value, chance, 0, pick(chance, SPICE).replace(/[\r\n]/g, 'x'))),
  (text, chance) => inValue(text, chance, (value) => value + ';x=y'.repeat(1 + below(chance, 60))),
  (text, chance) => inValue(text, chance, (value) => value + ', x'.repeat(1 + below(chance, 60))),
  (text, chance) => inValue(text, chance, (value) => at(value, chance, 1 + below(chance, 8), '')),
  (text, chance) => inValue(text, chance, (value) => fold(value, chance)),
  (text, chance) => inValue(text, chance, (value) => value.toUpperCase()),
  (text, chance) => text.replace(/\d+/g, (number) => (chance() < 0.1 ? pick(chance, NUMBERS) : number)),
  (text, chance) => lines(text, (all, i) => all.toSpliced(Math.max(1, i), 0, `X-New: ${pick(chance, SPICE)}`), chance),
];

/** Damages anywhere; `other` is a message to take parts from. */
const ROUGH: readonly Way[] = [
  (text, chance) => at(text, chance, 1, String.fromCharCode(below(chance, 256))),
  (text, chance) => at(text, chance, 0, pick(chance, SPICE)),
  (text, chance) => at(text, chance, 0, pick(chance, SPICE).repeat(1 + below(chance, 60))),
  (text, chance) => at(text, chance, 1 + below(chance, 30), ''),
  (text, chance) => text.slice(0, below(chance, text.length)),
  (text, chance) => {
    const from = below(chance, text.length);
    return at(text, chance, 0, text.slice(from, from + 1 + below(chance, 80)));
  },
  (text, chance) => text.replace(/^\w+|(?<=CSeq: \d+ )\w+/gm, (method) => (chance() < 0.2 ? pick(chance, METHODS) : method)),
  (text, chance) => lines(text, (all, i) => all.toSpliced(i, 1), chance),
  (text, chance) => lines(text, (all, i) => all.toSpliced(i, 0, all[i] as string), chance),
  (text, chance) => lines(text, (all, i) => all.with(i, all[below(chance, all.length)] as string), chance),
  (text, chance, other) => lines(text, (all, i) => all.toSpliced(i, 0, pick(chance, other.split('\r\n'))), chance),
  (text, chance) => lines(text, (all, i) => all.with(i, (all[i] as string).replace(/:.*/s, ':')), chance),
  (text, chance, other) => text.slice(0, below(chance, text.length)) + other.slice(below(chance, other.length)),
  (text, chance) => text.replaceAll('\r\n', pick(chance, ['\n', '\r', '\r\n\r\n', '\r\n '])),
  (text, chance) => text.replace(/Content-Length: \d+/, `Content-Length: ${pick(chance, NUMBERS)}`),
];

/** The text with one to three damages. Nothing else than `chance` decides which. */
export function mutate(text: string, other: string, chance: Chance): string {
  let result = text;
  for (let left = pick(chance, [1, 1, 1, 2, 3]); left > 0; left -= 1) {
    result = pick(chance, chance() < 0.6 ? GENTLE : ROUGH)(result, chance, other);
  }
  return result;
}

function at(text: string, chance: Chance, removed: number, put: string): string {
  const place = below(chance, text.length + 1);
  return text.slice(0, place) + put + text.slice(place + removed);
}

function lines(text: string, change: (all: string[], i: number) => string[], chance: Chance): string {
  const all = text.split('\r\n');
  return change(all, below(chance, all.length)).join('\r\n');
}

/** Changes the value of one header line. */
function inValue(text: string, chance: Chance, change: (value: string) => string): string {
  const damaged = (line: string) => {
    const colon = line.indexOf(':') + 1;
    return line.slice(0, colon) + change(line.slice(colon));
  };
  return lines(
    text,
    (all, i) => all.with(i, (all[i] as string).includes(': ') ? damaged(all[i] as string) : (all[i] as string)),
    chance,
  );
}

function fold(line: string, chance: Chance): string {
  const place = below(chance, line.length);
  return `${line.slice(0, place)}\r\n ${line.slice(place)}`;
}
