import { LIMITS } from '#protocol';
import { utf8 } from '../sip/index.ts';

/**
 * A byte string of the network as the Worker takes it where it asks for an identity: text of 1 to `LIMITS.fieldLength` characters, none
 * of them a control character. One call with an endless Call-ID must not cost its users all that is told of them.
 */
export function identityOf(bytes: string): string {
  const text = utf8(bytes).slice(0, LIMITS.fieldLength).toWellFormed();
  let printable = '';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x20 && code !== 0x7f) continue;
    printable += `${text.slice(from, i)}\ufffd`;
    from = i + 1;
  }
  return from === 0 ? text || '\ufffd' : printable + text.slice(from);
}
