// A cursor of `GET /v1/watch` says where its watcher stands in the feed of each board that it watches: a head that tells what is watched,
// and a mark for each board. All of fixed length, of characters of base64url (RFC 4648 5), so that a frame's cursor is put together by joining texts.

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const EPOCH_LENGTH = 5;
const SEQ_LENGTH = 8;

/** Characters of a mark. */
export const MARK_LENGTH = EPOCH_LENGTH + SEQ_LENGTH;

/** The mark of a watcher who has not got the whole snapshot of a board. */
export const NOWHERE = 'A'.repeat(MARK_LENGTH);

/** The mark of a watcher of a board that nothing was ever written to: epochs begin with 1. */
export const NOTHING_YET = `${'A'.repeat(MARK_LENGTH - 1)}B`;

/** A place in the feed of a board: the number of the last change told, in this life of the board's storage. */
export interface Place {
  readonly epoch: number;
  readonly seq: number;
}

/** The mark of a place. */
export function markOf({ epoch, seq }: Place): string {
  return number(epoch, EPOCH_LENGTH) + number(seq, SEQ_LENGTH);
}

/** The place of a mark; undefined for NOWHERE and for what is no mark. */
export function placeOf(mark: string): Place | undefined {
  if (mark === NOWHERE || mark.length !== MARK_LENGTH || !/^[\w-]+$/.test(mark)) return undefined;
  return { epoch: value(mark.slice(0, EPOCH_LENGTH)), seq: value(mark.slice(EPOCH_LENGTH)) };
}

function number(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 64)) text = DIGITS[rest % 64] + text;
  return text;
}

function value(text: string): number {
  return [...text].reduce((sum, digit) => sum * 64 + DIGITS.indexOf(digit), 0);
}
