import type { CallBook } from './book.ts';
import type { CallEvent } from './call.ts';
import { type Call, dialogState, setDialog } from './call.ts';

/**
 * RFC 3891 3: "If the Replaces header field matches a confirmed dialog, [...] the UA MUST accept the new INVITE [...] and shut down the replaced
 * dialog": its BYE is on the way when the new INVITE is answered with 2xx. Where that BYE is lost, the replaced dialog ends all the same,
 * once a BYE would have.
 */
export function replace(book: CallBook, by: Call, now: number): CallEvent[] {
  if (by.replaces === undefined) return [];
  const named = parseReplaces(by.replaces);
  delete by.replaces;
  if (named === undefined) return [];
  for (const call of book.calls.withCallId(named.callId)) {
    const tag = named.tags.find((one) => one !== call.fromTag);
    if (call === by || tag === undefined || !named.tags.includes(call.fromTag)) continue;
    if (dialogState(call, tag) !== 'confirmed') continue;
    setDialog(call, tag, 'closing');
    call.replaced = true;
    book.changed.add(call);
    book.shorten(call, now);
  }
  return [];
}

/** Replaces = callid *(SEMI replaces-param), of which `to-tag` and `from-tag` must be there (RFC 3891 6.1). */
export function parseReplaces(value: string): { readonly callId: string; readonly tags: readonly [string, string] } | undefined {
  const [id = '', ...params] = value.split(';').map((part) => part.trim());
  const param = (name: string) => params.find((one) => one.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
  const [toTag, fromTag] = [param('to-tag'), param('from-tag')];
  return id === '' || toTag === undefined || fromTag === undefined ? undefined : { callId: id, tags: [toTag, fromTag] };
}
