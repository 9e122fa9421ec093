import fc from 'fast-check';
import type { PresenceDocument } from '../../../worker/protocol/index.ts';

/** Text that somebody would rather not find in XML. */
export const hostile = fc.oneof(
  fc.constantFrom(
    '</presence>',
    ']]>',
    '<!--',
    '&amp;',
    '&',
    '"',
    "'",
    '\u0000',
    '\u0008',
    '\uffff',
    '\ud800',
    '%',
    '%zz',
    '\r\n',
    '\u{1f600}',
    'é',
  ),
  fc.constantFrom('<?xml?>', '<!DOCTYPE x [<!ENTITY a "b">]>', 'sip:bob@[::1]:5060;x=<y>', 'javascript:alert(1)'),
  fc.stringMatching(/^[ -~]{0,12}$/),
);
const text = fc.array(hostile, { maxLength: 4 }).map((parts) => parts.join(''));
const time = fc.integer({ min: 0, max: 4_000_000_000_000 }).map((ms) => new Date(ms).toISOString());
const contact = fc.oneof(
  fc.constantFrom('sip:alice@192.0.2.1:5060;transport=tcp', 'sip:a@[2001:db8::1]', 'sips:a%20b@c', 'nonsense'),
  text,
);

/** Presence documents of all states, with names and notes that are hostile. */
export const documents: fc.Arbitrary<PresenceDocument> = fc.record({
  user: fc.constantFrom('sip:alice@example.com', "sip:a&b'c@example.com", 'sip:%3C%22@example.com', 'tel:+12015550123'),
  status: fc.constantFrom(
    'unknown',
    'dnd',
    'offline-waiting',
    'talking',
    'held',
    'ringing',
    'calling',
    'busy',
    'away',
    'available',
    'offline',
  ),
  terminalStatus: fc.constantFrom('online', 'offline', 'offline-waiting'),
  callStatus: fc.constantFrom('idle', 'ringing', 'calling', 'talking', 'terminating'),
  stale: fc.boolean(),
  staleSince: time,
  since: time,
  terminals: fc.array(fc.record({ contact, site: fc.constant('site-a'), since: time, expires: fc.constant(null) }), {
    maxLength: 3,
  }),
  calls: fc.constant([]),
  override: fc.option(fc.record({ activity: fc.constantFrom('dnd', 'busy', 'away', 'available'), note: text, expires: time })),
  version: fc.nat(),
});
