import { redact } from '../presence/index.ts';
import type { DetailLevel, PresenceDocument, WatchFrame } from '../protocol/index.ts';

// Frames are put together from the stored JSON text of the documents: most watchers see all of it, and then nothing is parsed.
// Their shape is that of WatchFrame; `more` stands last in a snapshot, where `withMore` looks for it.

/** A user of a snapshot, with the document's JSON text; undefined for a user never seen. */
export interface SnapshotUser {
  readonly user: string;
  readonly text: string | undefined;
}

/** The part of a document's JSON text that a detail level may see. */
export function redactText(text: string, detail: DetailLevel): string {
  return detail === 'full' ? text : JSON.stringify(redact(JSON.parse(text) as PresenceDocument, detail));
}

/** A `change` frame. */
export function changeFrame(text: string): string {
  return `{"type":"${'change' satisfies WatchFrame['type']}","presence":${text}}`;
}

/** A `snapshot` frame. */
export function snapshotFrame(users: readonly SnapshotUser[], more: boolean): string {
  const items = users.map(({ user, text }) => `{"user":${JSON.stringify(user)},"presence":${text ?? 'null'}}`);
  return `{"type":"${'snapshot' satisfies WatchFrame['type']}","users":[${items.join(',')}],"more":${more}}`;
}

const LAST = '"more":false}';

/** Whether a frame is the last of a board's snapshot. */
export function endsSnapshot(frame: string): boolean {
  return frame.startsWith('{"type":"snapshot"') && frame.endsWith(LAST);
}

/** The last frame of a board's snapshot, where others are still to come from other boards. */
export function withMore(frame: string): string {
  return `${frame.slice(0, -LAST.length)}"more":true}`;
}
