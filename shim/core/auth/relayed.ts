import { parseAuthentication } from '../sip/credentials.ts';
import { withoutLines } from '../sip/cut.ts';
import { equals } from '../sip/grammar.ts';
import { FIELD_ID, FIELD_LINE, type Message, STRIDE, valueAt } from '../sip/message.ts';
import { idOf, UNKNOWN } from '../sip/names.ts';

const PROXY_AUTHORIZATION = idOf('proxy-authorization');
const ASSERTED_IDENTITY = idOf('p-asserted-identity');
const REMOTE_PARTY = 'remote-party-id';

/**
 * A request of somebody who is not trusted, as it may go on: without the credentials of our realm, which are used up here (RFC 3261 22.3:
 * those of other realms must stay), and without what it asserts of its own identity (RFC 3325 5 lets P-Asserted-Identity in from trusted
 * nodes alone; Remote-Party-ID is the same by an older name).
 */
export function relayable(m: Message, realm: string): Message {
  const { fields, text } = m;
  let places: number[] | undefined;
  for (let at = 0; at < fields.length; at += STRIDE) {
    const id = fields[at + FIELD_ID] as number;
    const cut =
      id === PROXY_AUTHORIZATION
        ? parseAuthentication(valueAt(m, at))?.params.get('realm') === realm
        : id === ASSERTED_IDENTITY || (id === UNKNOWN && startsWith(text, fields[at + FIELD_LINE] as number, REMOTE_PARTY));
    if (!cut) continue;
    if (places === undefined) places = [at];
    else places.push(at);
  }
  return places === undefined ? m : withoutLines(m, places);
}

/** Does the line that begins there carry the field of that name. */
function startsWith(text: string, line: number, name: string): boolean {
  const after = text.charCodeAt(line + name.length);
  return (after === 0x3a || after === 0x20 || after === 0x09) && equals(text, line, line + name.length, name);
}
