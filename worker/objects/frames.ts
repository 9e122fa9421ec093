import { redact } from '../presence/index.ts';
import type { DetailLevel, PresenceDocument, ResetReason, WatchFrame } from '../protocol/index.ts';
import { MARK_LENGTH } from './mark.ts';

// Frames are put together from the stored JSON text of the documents: most watchers see all of it, and then nothing is parsed.
// Their shape is that of WatchFrame. The cursor stands last, and before it, in a snapshot, `more`: there whoever joins boards finds them.

type Type = WatchFrame['type'];

/** A user of a snapshot, with the document's JSON text; undefined for a user never seen. */
export interface SnapshotUser {
  readonly user: string;
  readonly text: string | undefined;
}

/** The part of a document's JSON text that a detail level may see; nothing of no text. */
export function redactText(text: string, detail: DetailLevel): string {
  return detail === 'full' || text === '' ? text : JSON.stringify(redact(JSON.parse(text) as PresenceDocument, detail));
}

/** The frame of one piece of news: `change` with the document's JSON text, or where there is none (`deletionNews`) `deleted`. */
export function newsFrame(user: string, text: string, cursor: string): string {
  if (text === '') return `{"type":"${'deleted' satisfies Type}","user":${JSON.stringify(user)},"cursor":"${cursor}"}`;
  return `{"type":"${'change' satisfies Type}","presence":${text},"cursor":"${cursor}"}`;
}

/** A `snapshot` frame. `reset`: why it comes instead of what was missed. */
export function snapshotFrame(users: readonly SnapshotUser[], more: boolean, cursor: string, reset?: ResetReason): string {
  const items = users.map(({ user, text }) => `{"user":${JSON.stringify(user)},"presence":${text ?? 'null'}}`);
  const why = reset === undefined ? '' : `"reset":"${reset}",`;
  return `{"type":"${'snapshot' satisfies Type}",${why}"users":[${items.join(',')}],"more":${more},"cursor":"${cursor}"}`;
}

/** A `resumed` frame. */
export function resumedFrame(exact: boolean, cursor: string): string {
  return `{"type":"${'resumed' satisfies Type}","exact":${exact},"cursor":"${cursor}"}`;
}

/** A `check` frame. */
export function checkFrame(cursor: string): string {
  return `{"type":"${'check' satisfies Type}","cursor":"${cursor}"}`;
}

const EXPECT = '{"type":"expect","size":';

/** What a board says to whoever joins boards, and nobody else hears: so much is to be read at once, characters, through no fault of whoever reads. */
export function expectFrame(size: number): string {
  return `${EXPECT}${size}}`;
}

/** The size in such a frame. */
export function sizeIn(frame: string): number {
  return Number(frame.slice(EXPECT.length, -1));
}

const START = '{"type":"';
const END = '"}';
const LAST = '"more":false,"cursor":"';

/** The type of a frame. */
export function typeOf(frame: string): string {
  return frame.slice(START.length, frame.indexOf('"', START.length));
}

/** The mark at the end of a frame of one board. */
export function markIn(frame: string): string {
  return frame.slice(-END.length - MARK_LENGTH, -END.length);
}

/** The cursor of a frame that is ready for a watcher. */
export function cursorIn(frame: string): string {
  return frame.slice(frame.lastIndexOf('"', frame.length - END.length - 1) + 1, -END.length);
}

/** Whether a frame of one board is the last of its snapshot. */
export function endsSnapshot(frame: string): boolean {
  return typeOf(frame) === 'snapshot' && frame.endsWith(LAST, frame.length - END.length - MARK_LENGTH);
}

/** A frame of one board with another cursor; `more`: others are still to come from other boards. */
export function withCursor(frame: string, cursor: string, more = false): string {
  const body = frame.slice(0, -END.length - MARK_LENGTH);
  const kept = more && endsSnapshot(frame) ? `${body.slice(0, -LAST.length)}"more":true,"cursor":"` : body;
  return kept + cursor + END;
}
