import { cseq, formatNameAddr, header, type Message, relayResponse, request, to, type Via, vias } from '../sip/index.ts';
import type { TransactionTable } from '../transaction/table.ts';
import type { Action } from '../transaction/types.ts';
import { bareHost, DEFAULT_PORT, type Flow, viaTarget } from '../transport.ts';
import { forwarded, viaValue } from './forward.ts';
import { type Routing, route } from './route.ts';
import { ELSEWHERE, type Observer, type SentOn, sentFrom } from './target-search.ts';
import { validate } from './validate.ts';

/** One branch of a call that was taken up from disk; a row of an earlier version has nothing but the branch. */
export type RestoredBranch = Partial<SentOn> & Pick<SentOn, 'branch'>;

/** What is known of calls that rang when an earlier process was killed: their transactions are gone, their branches are on disk. */
export interface Restored {
  /** Is that response of such a call. */
  has(m: Message): boolean;
  /** Where the INVITE of that CANCEL for `callee` was sent on, without the branches that have declined. */
  branches(m: Message, callee: string | null): readonly RestoredBranch[];
  /** The branch of that response, and the others of the same INVITE that have not declined. */
  fork(m: Message, branch: string): { readonly own: RestoredBranch; readonly others: readonly RestoredBranch[] } | undefined;
  /** That branch has declined. */
  declined(m: Message, branch: string): void;
}

export interface RestoredParts {
  readonly table: TransactionTable;
  readonly routing: Routing;
  readonly observer: Observer;
  readonly restored: Restored;
}

/**
 * RFC 3261 16.10: "If a response context is not found, the element does not have any knowledge of the request to apply the CANCEL to. It
 * MUST statelessly forward the CANCEL request". What is known of a call that rang when the process was killed are the branches of its
 * INVITE: each phone knows it by its own (9.1), and at each of them it must stop. Empty where nothing is known.
 */
export function cancelRestored(m: Message, flow: Flow, { table, routing, restored }: RestoredParts, now: number): Action[] {
  const way = route(m, routing, flow);
  if (way.kind !== 'forward' || validate(m)) return [];
  const actions: Action[] = [];
  const best = way.targets[0][0];
  for (const { branch, uri = best?.uri, target = best?.target } of restored.branches(m, way.callee ?? null)) {
    const outbound = target && routing.self.pointFor(target, flow);
    if (uri === undefined || target === undefined || outbound === undefined) continue;
    const text = forwarded(m, way, { uri, target }, { flow, inbound: routing.self.pointOf(flow), outbound, branch });
    const sent = table.send({ text, method: 'CANCEL', branch }, sentFrom(target, outbound), now);
    if (sent.ok) actions.push(...sent.actions);
  }
  return actions;
}

/**
 * A response without a transaction. RFC 6026 8.2: it "MUST NOT" be forwarded, with one exception made here: calls that rang when the
 * process was killed are known from disk, and their answers still go through, so that a restart ends no call. While others of its telephones
 * ring, one that declines is told to rest and no more; when one answers, or declines for all, the others are cancelled (16.7 step 10).
 */
export function strayResponse(m: Message, parts: RestoredParts, now: number): Action[] {
  const [own, next] = vias(m) ?? [];
  const { routing, observer, restored } = parts;
  if (!own || !next || !routing.self.isSentBy(own.host, own.port) || !restored.has(m)) return [];
  const fork = m.method === 'INVITE' && m.status >= 200 && own.branch !== undefined ? restored.fork(m, own.branch) : undefined;
  // A 487 is the echo of a CANCEL that went to all of them.
  const declines = m.status >= 300 && m.status < 600 && m.status !== 487;
  if (fork !== undefined && fork.others.length > 0 && declines) {
    restored.declined(m, fork.own.branch);
    return acknowledge(m, own, fork.own);
  }
  const target = viaTarget(next);
  if (target === undefined) return [];
  observer.response(m, undefined);
  const relayed: Action = { type: 'send', text: relayResponse(m), target, id: '' };
  return fork === undefined ? [relayed] : [relayed, ...fork.others.flatMap((other) => cancelled(m, own, other, parts, now))];
}

/** RFC 3261 17.1.1.3: the ACK to a failure, as far as the response tells the INVITE; the branch is what the telephone knows it by. */
function acknowledge(m: Message, via: Via, { branch, uri, target }: RestoredBranch): Action[] {
  if (uri === undefined || target === undefined) return [];
  const at = { transport: target.transport, address: bareHost(via.host), port: via.port ?? DEFAULT_PORT };
  const text = request({ ...same(m, 'ACK'), uri, via: viaValue(at, branch), to: header(m, 'to') ?? '' });
  return [{ type: 'send', text, target, id: '' }];
}

/** RFC 3261 9.1: the CANCEL for the INVITE of another branch. */
function cancelled(m: Message, via: Via, { branch, uri, target }: RestoredBranch, parts: RestoredParts, now: number): Action[] {
  const { routing, table } = parts;
  const address = to(m);
  if (uri === undefined || target === undefined || address === undefined) return [];
  const local = { address: bareHost(via.host), port: via.port ?? DEFAULT_PORT };
  const outbound = routing.self.pointFor(target, { transport: target.transport, local, remote: local });
  if (outbound === undefined) return [];
  const params = new Map(address.params);
  params.delete('tag');
  const text = request({
    ...same(m, 'CANCEL'),
    ...{
      uri,
      via: viaValue(outbound, branch),
      to: formatNameAddr({ ...address, params }),
      headers: m.status < 300 ? ELSEWHERE : [],
    },
  });
  const sent = table.send({ text, method: 'CANCEL', branch }, sentFrom(target, outbound), now);
  return sent.ok ? [...sent.actions] : [];
}

const same = (m: Message, method: string) => ({
  ...{ method, from: header(m, 'from') ?? '', callId: header(m, 'call-id') ?? '', cseq: cseq(m).number },
});
