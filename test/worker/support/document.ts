import type { PresenceDocument, Status } from '../../../worker/protocol/index.ts';

/** A document's JSON text, as a user's object tells it to a board; `length`: characters of a note, to make it long. */
export function documentText(user: string, version: number, status: Status = 'available', length = 0): string {
  const since = '2026-11-22T10:00:00.000Z';
  const document: PresenceDocument = {
    user,
    status,
    terminalStatus: 'online',
    callStatus: status === 'talking' ? 'talking' : 'idle',
    stale: false,
    since,
    terminals: [],
    calls: [],
    override: length === 0 ? null : { activity: 'available', note: 'x'.repeat(length), expires: '2999-01-01T00:00:00.000Z' },
    version,
  };
  return JSON.stringify(document);
}
