import type { CallDocument, PresenceDocument, Status } from '#protocol';

export const T0 = Date.parse('2026-11-22T10:00:00.000Z');

/** A presence document of `sip:{name}@ex` since T0. */
export function presence(name: string, status: Status, version: number, more: Partial<PresenceDocument> = {}): PresenceDocument {
  return {
    user: `sip:${name}@ex`,
    status,
    terminalStatus: status === 'offline' ? 'offline' : 'online',
    callStatus: 'idle',
    stale: false,
    since: new Date(T0).toISOString(),
    terminals: [],
    calls: [],
    override: null,
    version,
    ...more,
  };
}

/** A confirmed incoming call from Bob, answered at T0. */
export function call(more: Partial<CallDocument> = {}): CallDocument {
  return {
    id: 'c1',
    direction: 'incoming',
    state: 'confirmed',
    held: false,
    peer: { uri: 'sip:bob@example.com' },
    media: [],
    session: 'voice',
    site: 'hq',
    startedAt: new Date(T0 - 9000).toISOString(),
    answeredAt: new Date(T0).toISOString(),
    ...more,
  };
}
