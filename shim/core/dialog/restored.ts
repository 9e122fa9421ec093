import { cseq, type Message, topVia } from '../sip/index.ts';
import type { CallBook } from './book.ts';
import { type Branch, type Call, calleeOf } from './call.ts';

/** What is known of the calls that an earlier process began: their transactions are gone, the branches of those that rang are kept. */
export class RestoredCalls {
  readonly #book: CallBook;

  constructor(book: CallBook) {
    this.#book = book;
  }

  /** Is that message of such a call. */
  has(m: Message): boolean {
    return this.#book.of(m).some((call) => this.#book.restored.has(call.key));
  }

  /** The branches on which the INVITE was sent on that this CANCEL is for, which had been for that callee. */
  branches(m: Message, callee: string | null): readonly Branch[] {
    return this.#asked(m, callee).flatMap((call) => call.branches.filter(({ declined }) => declined === undefined));
  }

  /** The branch of that response, and the others of the same INVITE that have not declined. */
  fork(m: Message, branch: string): { readonly own: Branch; readonly others: readonly Branch[] } | undefined {
    const home = this.#home(m, branch);
    const own = home?.branches.find((one) => one.branch === branch);
    if (home === undefined || own === undefined) return undefined;
    return { own, others: this.branches(m, askedOf(home)).filter((one) => one.branch !== branch) };
  }

  /** The telephone of that branch has declined. */
  declined(m: Message, branch: string): void {
    const home = this.#home(m, branch);
    if (home === undefined) return;
    home.branches = home.branches.map((one) => (one.branch === branch ? { ...one, declined: true } : one));
    this.#book.changed.add(home);
  }

  /** The one of those calls that has the branch of that response. */
  having(calls: readonly Call[], m: Message): Call | undefined {
    const branch = topVia(m)?.branch;
    return calls.find((call) => call.branches.some((one) => one.branch === branch));
  }

  #home(m: Message, branch: string): Call | undefined {
    return this.#restored(m).find((call) => call.branches.some((one) => one.branch === branch));
  }

  #asked(m: Message, callee: string | null): Call[] {
    return this.#restored(m).filter((call) => askedOf(call) === callee);
  }

  #restored(m: Message): Call[] {
    const number = cseq(m)?.number;
    return this.#book.of(m).filter((call) => call.cseq === number && this.#book.restored.has(call.key));
  }
}

/** Whom the INVITE of that call had been for when it came. */
const askedOf = (call: Call): string | null => (call.asked === undefined ? calleeOf(call) : call.asked);
