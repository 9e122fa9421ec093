import { decimal } from './grammar.ts';
import { FIELD_END, FIELD_VALUE, fieldAt, type Message } from './message.ts';
import { addresses, type NameAddr } from './name-addr.ts';
import { CONTACT } from './names.ts';

/** One Contact value (RFC 3261 20.10). */
export interface Contact extends NameAddr {
  /** 0 to 1. Absent where not given or malformed. */
  readonly q?: number;
  /** Seconds. Absent where not given or malformed. */
  readonly expires?: number;
}

export type Contacts =
  | { readonly ok: true; readonly star: boolean; readonly contacts: readonly Contact[] }
  | { readonly ok: false; readonly reason: string };

/** All Contact values; `star` for `Contact: *`, which stands alone. */
export function contacts(message: Message): Contacts {
  const first = fieldAt(message, CONTACT, 0);
  if (first === -1) return { ok: true, star: false, contacts: [] };
  for (let at = first; at !== -1; at = fieldAt(message, CONTACT, at + 4)) {
    const value = message.fields[at + FIELD_VALUE] as number;
    if (message.text[value] !== '*' || (message.fields[at + FIELD_END] as number) !== value + 1) continue;
    const alone = at === first && fieldAt(message, CONTACT, at + 4) === -1;
    return alone ? { ok: true, star: true, contacts: [] } : { ok: false, reason: 'Contact * with other contacts' };
  }
  const values = addresses(message, CONTACT);
  if (values === undefined) return { ok: false, reason: 'Malformed Contact' };
  return { ok: true, star: false, contacts: values.map(withQAndExpires) };
}

function withQAndExpires(value: NameAddr): Contact {
  const q = qvalue(value.params.get('q'));
  const expires = deltaSeconds(value.params.get('expires'));
  return { ...value, ...(q !== undefined && { q }), ...(expires !== undefined && { expires }) };
}

/** RFC 3261 25.1: qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
function qvalue(text: string | true | undefined): number | undefined {
  if (typeof text !== 'string' || !/^(?:0?(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) || text === '' || text === '.')
    return undefined;
  return Number(text);
}

/** RFC 3261 20.19: a decimal number of seconds between 0 and (2**32)-1; a malformed value is as good as none. */
export function deltaSeconds(text: string | true | undefined): number | undefined {
  if (typeof text !== 'string') return undefined;
  const value = decimal(text, 0, text.length, 0xffffffff);
  return value === -1 ? undefined : value;
}
