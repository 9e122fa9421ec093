import type { Message } from '../sip/index.ts';
import type { CallBook } from './book.ts';
import { type Call, type CallEvent, type DialogState, setDialog } from './call.ts';

/** RFC 3261 15: a BYE within the dialog. */
export function bye(book: CallBook, call: Call, tag: string, state: DialogState | undefined, now: number): CallEvent[] {
  if (state !== 'confirmed' && state !== 'answered') return [];
  setDialog(call, tag, book.settings.terminating === 'on-bye' ? 'terminating' : 'closing');
  book.shorten(call, now);
  return book.settle(call, { cause: 'bye' }, now);
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
  if ((state !== 'closing' && state !== 'terminating') || m.status < 200) return [];
  if (m.status === 401 || m.status === 407) {
    // The BYE comes again with credentials: until then the dialog stands (RFC 3261 22.2). Where terminating was told, it stays told.
    if (state === 'closing') {
      setDialog(call, tag, 'confirmed');
      book.calls.setDeadline(call, now + book.settings.dialogCap);
    }
    return [];
  }
  // RFC 3261 15.1.1: "If the response for the BYE is a 481 (Call/Transaction Does Not Exist) or a 408 (Request Timeout) or no response
  // at all is received for the BYE [...] the UAC MUST consider the session and the dialog terminated": so does any final answer.
  call.dialogs = call.dialogs.filter(([t]) => t !== tag);
  if (call.details) call.details = call.details.filter((one) => one.tag !== tag);
  return call.dialogs.length > 0 ? book.settle(call, { cause: 'bye' }, now) : book.end(call, { cause: 'bye' }, now);
}
