import type { PresenceDocument } from '../protocol/index.ts';
import { element, xmlText, xmlUri } from './xml.ts';

const NAMESPACES = {
  xmlns: 'urn:ietf:params:xml:ns:pidf',
  'xmlns:dm': 'urn:ietf:params:xml:ns:pidf:data-model',
  'xmlns:rpid': 'urn:ietf:params:xml:ns:pidf:rpid',
};

/**
 * A presence document as PIDF (RFC 3863) with what the person does as RPID (RFC 4480) in the data model of RFC 4479: a tuple for each terminal
 * that the reader may see, else one for the user; `open` where a call could reach somebody who takes it. What is not known is not told: where
 * the sources are out of touch there is no `basic` status at all.
 */
export function pidf(document: PresenceDocument): string {
  const entity = xmlUri(document.user) as string;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(
    'presence',
    { ...NAMESPACES, entity },
    ...tuples(document, entity),
    element('note', {}, xmlText(noteOf(document))),
    person(document),
  )}\n`;
}

function tuples(document: PresenceDocument, entity: string): string[] {
  // RFC 3863 4.1.4: a status has at least one child, and nothing is known that could be one.
  if (document.status === 'unknown') return [];
  const reachable = document.terminalStatus === 'online' && document.override?.activity !== 'dnd';
  const status = element('status', {}, element('basic', {}, reachable ? 'open' : 'closed'));
  if (document.terminals.length === 0) {
    return [
      element('tuple', { id: 't0' }, status, element('contact', {}, xmlText(entity)), timestamp('timestamp', document.since)),
    ];
  }
  return document.terminals.map(({ contact, since }, i) => {
    const uri = xmlUri(contact);
    const where = uri === undefined ? '' : element('contact', {}, xmlText(uri));
    return element('tuple', { id: `t${i + 1}` }, status, where, timestamp('timestamp', since));
  });
}

function person(document: PresenceDocument): string {
  const { override, since } = document;
  const doing = [...new Set(activities(document))].map((activity) => element(`rpid:${activity}`, {}));
  const told = override?.note === undefined ? '' : element('dm:note', {}, xmlText(override.note));
  const what = doing.length === 0 ? '' : element('rpid:activities', { from: since }, ...doing);
  return element('dm:person', { id: 'p1' }, what, told, timestamp('dm:timestamp', since));
}

/** RFC 4480 3.2 has `on-the-phone`, and no word for a telephone that rings: somebody who is called is busy with it. */
function activities({ status, callStatus, override }: PresenceDocument): string[] {
  if (status === 'unknown') return ['unknown'];
  const calls = { talking: ['on-the-phone'], calling: ['on-the-phone'], ringing: ['busy'], terminating: [], idle: [] }[
    callStatus
  ];
  const said = override === null ? [] : { dnd: ['busy'], busy: ['busy'], away: ['away'], available: [] }[override.activity];
  return [...calls, ...said];
}

/** Our own word, for readers of notes, and how far it can be believed. */
function noteOf({ status, stale, staleSince }: PresenceDocument): string {
  return stale ? `${status} (out of touch since ${staleSince})` : status;
}

function timestamp(name: string, time: string): string {
  return element(name, {}, xmlText(time));
}
