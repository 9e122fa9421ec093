import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pidf } from '../../worker/presence/index.ts';
import type { PresenceDocument } from '../../worker/protocol/index.ts';
import { documents } from './support/documents.ts';
import { SimulatedUser } from './support/user.ts';

const SINCE = '2026-11-22T10:00:00.000Z';
const told = (more: Partial<PresenceDocument>): string => {
  const user = new SimulatedUser();
  user.tell(user.say.online('sip:alice@192.0.2.1:5060'));
  return pidf({ ...user.document, ...more });
};

describe('RFC 3863 PIDF with RPID (RFC 4480) of a presence document', () => {
  it('has a tuple for each terminal, the word as a note, and the person', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:alice@192.0.2.1:5060;transport=tcp'));
    user.tell(user.say.talking('c1'));
    expect(pidf(user.document)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"' +
        ' xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:alice@example.com">' +
        '<tuple id="t1"><status><basic>open</basic></status><contact>sip:alice@192.0.2.1:5060;transport=tcp</contact>' +
        `<timestamp>${SINCE}</timestamp></tuple><note>talking</note>` +
        `<dm:person id="p1"><rpid:activities from="${SINCE}"><rpid:on-the-phone/></rpid:activities>` +
        `<dm:timestamp>${SINCE}</dm:timestamp></dm:person></presence>\n`,
    );
  });

  it.each([
    [
      'a user without a telephone is closed',
      { terminalStatus: 'offline', terminals: [] },
      ['<basic>closed</basic>', '<tuple id="t0">'],
    ],
    [
      'somebody who is not to be disturbed is closed',
      { status: 'dnd', override: { activity: 'dnd', expires: SINCE } },
      ['closed', '<rpid:busy/>'],
    ],
    ['a telephone that is hidden is open all the same', { terminals: [] }, ['open', '<contact>sip:alice@example.com</contact>']],
    ['one who is called is busy', { status: 'ringing', callStatus: 'ringing' }, ['<rpid:busy/>', '<note>ringing</note>']],
    ['one who calls is on the phone', { status: 'calling', callStatus: 'calling' }, ['<rpid:on-the-phone/>']],
    [
      'away with a note',
      { status: 'away', override: { activity: 'away', note: 'a < b', expires: SINCE } },
      ['<rpid:away/>', '<dm:note>a &lt; b</dm:note>'],
    ],
    ['what is stale says so', { stale: true, staleSince: SINCE }, [`<note>available (out of touch since ${SINCE})</note>`]],
  ] as [string, Partial<PresenceDocument>, string[]][])('%s', (_, more, parts) => {
    for (const part of parts) expect(told(more)).toContain(part);
  });

  it('tells no basic status of what is not known', () => {
    const text = told({ status: 'unknown', stale: true, staleSince: SINCE });
    expect(text).toContain('<rpid:unknown/>');
    expect(text).not.toContain('<basic>');
  });

  it('says nothing of activities where there is none', () => expect(told({})).not.toContain('rpid:activities'));

  it('escapes all that others wrote, drops what XML cannot hold, and leaves out contacts that are no URIs', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const text = pidf(document);
        // Every tag is one of ours, whatever the names and notes were.
        for (const tag of text.match(/<[^>]*>/g) ?? []) {
          expect(tag).toMatch(
            /^<(\?xml [^<]*\?|\/?(presence|tuple|status|basic|contact|timestamp|note|dm:person|dm:note|dm:timestamp|rpid:[a-z-]+)\b[^<]*)>$/,
          );
        }
        for (const entity of text.match(/&[^;]*;?/g) ?? []) expect(entity).toMatch(/^&(amp|lt|gt|quot|#13|#10|#9);$/);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        expect(text).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
        expect(text.isWellFormed()).toBe(true);
        for (const [, uri] of text.matchAll(/<contact>([^<]*)</g)) expect(uri).toMatch(/^[a-z][a-z0-9+.-]*:[!-~]+$/i);
      }),
      { numRuns: 200 },
    );
  });
});
