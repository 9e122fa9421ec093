import type { EndReason } from '#protocol';
import type { Message } from '../sip/index.ts';
import type { CallBook } from './book.ts';
import { type Call, type CallEvent, type DialogState, setDialog } from './call.ts';

/** Why a call is over whose BYE was seen, or should have been. */
export const byeReason = (call: Call): EndReason => ({ cause: call.replaced ? 'replaced' : 'bye' });

/** RFC 3261 15: a BYE within the dialog. */
export function bye(book: CallBook, call: Call, tag: string, state: DialogState | undefined, now: number): CallEvent[] {
  if (state === undefined || state === 'terminating') return [];
  setDialog(call, tag, book.settings.terminating === 'on-bye' ? 'terminating' : 'closing');
  book.shorten(call, now);
  return book.settle(call, byeReason(call), now);
}

/** The answer to a BYE. */
export function byeAnswered(
  book: CallBook,
  call: Call,
  tag: string,
  state: DialogState | undefined,
  m: Message,
  now: number,
): CallEvent[] {
  if (state === undefined || m.status < 200) return [];
  if (m.status === 401 || m.status === 407) {
    // RFC 3261 22.2: the BYE comes again with credentials; until then the dialog stands. Where terminating was told, it stays told for the time
    // of a BYE, so that the lamp does not flicker; if none comes by then, the call goes on, and that is told.
    if (state !== 'closing' && state !== 'terminating') return [];
    setDialog(call, tag, state === 'closing' ? 'confirmed' : 'challenged');
    book.changed.add(call);
    if (state === 'closing') return book.alive(call, now);
    book.calls.setDeadline(call, now + book.settings.byeCap);
    return [];
  }
  // RFC 3261 15.1.1: "If the response for the BYE is a 481 (Call/Transaction Does Not Exist) or a 408 (Request Timeout) or no response
  // at all is received for the BYE [...] the UAC MUST consider the session and the dialog terminated": so does any final answer, also where the
  // BYE itself was not seen, or the other of two that crossed is asked for credentials.
  call.dialogs = call.dialogs.filter(([t]) => t !== tag);
  if (call.details) call.details = call.details.filter((one) => one.tag !== tag);
  if (call.dialogs.length === 0) return book.end(call, byeReason(call), now);
  book.shorten(call, now);
  return book.settle(call, byeReason(call), now);
}

/** The BYE that was asked for credentials never came again: the call goes on. */
export function goesOn(book: CallBook, call: Call, now: number): CallEvent[] {
  for (const [tag, state] of call.dialogs) if (state === 'challenged') setDialog(call, tag, 'confirmed');
  book.calls.setDeadline(call, book.lifeOf(call, now));
  book.probes?.plan(call, now);
  return book.settle(call, undefined, now);
}
