import * as z from 'zod';
import { type CallDocument, OVERRIDE_ACTIVITIES, type PresenceDocument, type TerminalDocument } from '../../protocol/index.ts';
import { STATUSES } from './query.ts';

/** RFC 3339, UTC. */
export const instant = z.iso.datetime();

export const status = z.enum(STATUSES).meta({ id: 'Status', description: 'The one word, in order of precedence.' });
export const terminalStatus = z.enum(['online', 'offline-waiting', 'offline']).meta({
  id: 'TerminalStatus',
  description: '`offline-waiting`: no telephone is registered any more, and a call is still up.',
});
export const callStatus = z.enum(['idle', 'ringing', 'calling', 'talking', 'terminating']).meta({
  id: 'CallStatus',
  description: '`ringing`: an incoming call that is not answered; `calling`: an outgoing one.',
});

const terminal = z
  .object({
    contact: z.string().describe('Contact URI: what tells this telephone from others.'),
    address: z.string().exactOptional().describe('Where its requests come from.'),
    type: z.enum(['phone', 'softphone', 'browser', 'mobile', 'gateway', 'unknown']).exactOptional(),
    userAgent: z.string().exactOptional().describe('Its name and version, as it tells them.'),
    site: z.string().describe('The shim at which it is registered.'),
    since: instant.describe('When its registration began.'),
    expires: instant.nullable().describe('When it ends unless refreshed; null where the shim keeps this.'),
  })
  .meta({ id: 'Terminal', description: 'A telephone that is registered.' }) satisfies z.ZodType<TerminalDocument>;

/** Shown whole in the document; parts of it elsewhere. */
export const call = z
  .object({
    id: z.string(),
    callId: z.string().exactOptional().describe('The SIP Call-ID, the same for both parties. Only at detail `full`.'),
    direction: z.enum(['incoming', 'outgoing']),
    state: z.enum(['early', 'confirmed', 'terminating']),
    held: z.boolean().describe('One of the two has put the other on hold.'),
    peer: z
      .object({ uri: z.string(), name: z.string().exactOptional() })
      .exactOptional()
      .describe('Who is at the other end. Only at detail `full`.'),
    media: z.array(
      z.object({
        type: z.string().describe('`audio`, `video`, ...'),
        codec: z.string().exactOptional(),
        direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).exactOptional(),
      }),
    ),
    session: z.enum(['voice', 'video', 'voicemail', 'streaming', 'conference', 'queue', 'message', 'unknown']),
    site: z.string().describe('The shim that tells of it.'),
    startedAt: instant,
    answeredAt: instant.nullable().describe('Null while it is not answered.'),
  })
  .meta({ id: 'Call', description: 'A call of a user.' }) satisfies z.ZodType<CallDocument>;

/** What a reader gets of one user. */
export const presenceDocument = z
  .object({
    user: z.string().describe('Address of record, in its canonical form: `sip:alice@example.com`.'),
    status,
    terminalStatus,
    callStatus,
    stale: z.boolean().describe('Whether a site that reported this user is out of touch.'),
    staleSince: instant.exactOptional(),
    since: instant.describe('When `status` began.'),
    terminals: z.array(terminal),
    calls: z.array(call),
    override: z
      .object({ activity: z.enum(OVERRIDE_ACTIVITIES), note: z.string().exactOptional(), expires: instant })
      .nullable()
      .describe("A person's or an application's own word."),
    version: z.int().describe('Rises by one at each change; never goes back.'),
  })
  .meta({
    id: 'Presence',
    description: 'The presence document of one user.',
  }) satisfies z.ZodType<PresenceDocument>;
