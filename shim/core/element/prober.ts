import { detailOf, type End, otherSide } from '../dialog/call.ts';
import type { Finding, Probe } from '../dialog/probe.ts';
import { makeBranch } from '../proxy/branch.ts';
import { type Routing, route } from '../proxy/route.ts';
import { bracketed } from '../proxy/self.ts';
import { targetOf } from '../proxy/target.ts';
import { sentFrom } from '../proxy/target-search.ts';
import { type Message, parseUri, request, scan } from '../sip/index.ts';
import type { TransactionTable } from '../transaction/table.ts';
import type { Action, TransactionEvent } from '../transaction/types.ts';
import type { Flow } from '../transport.ts';

export interface ProberParts {
  readonly table: TransactionTable;
  readonly routing: Routing;
  /** A new string of token characters at each call, never the same again. */
  readonly unique: () => string;
}

const UNLIMITED = { headerBytes: 65_536, headerCount: 256, bodyBytes: 0 };

/**
 * Asks the two sides of a call whether they have it, by an OPTIONS within the dialog (RFC 3261 11, 12.2). It goes the way that a request of
 * the other side would go from here. Nothing that it learns ends a call: it is told to presence alone.
 */
export class Prober {
  readonly #parts: ProberParts;
  /** By client transaction. Bounded by the plan's limit of questions under way. */
  readonly #asked = new Map<string, Probe>();

  constructor(parts: ProberParts) {
    this.#parts = parts;
  }

  /** Sends the questions. `failed`: those that could not be asked from here. */
  send(probes: readonly Probe[], now: number): { readonly actions: readonly Action[]; readonly failed: readonly Probe[] } {
    const actions: Action[] = [];
    const failed: Probe[] = [];
    for (const probe of probes) {
      const sent = this.#ask(probe, now);
      if (sent) actions.push(...sent);
      else failed.push(probe);
    }
    return { actions, failed };
  }

  /** A response to a question; `finding` where it is a final one. Undefined where the transaction is no question. */
  answered(id: string, m: Message): { readonly probe: Probe; readonly finding?: Finding } | undefined {
    const probe = this.#asked.get(id);
    if (probe === undefined || m.status < 200) return probe && { probe };
    this.#asked.delete(id);
    // RFC 3261 12.2.1.2: "If the response for a request within a dialog is a 481 [...] or a 408 (Request Timeout), the UAC SHOULD terminate the
    // dialog." Any other says that somebody is there; that he has the dialog, no answer says but 2xx (a 500 for the CSeq does, and so does a
    // proxy's for another reason).
    const gone = m.status === 481 || m.status === 408;
    return { probe, finding: gone ? 'gone' : m.status < 300 ? 'alive' : 'there' };
  }

  /** The question that has ended without an answer. */
  event({ type, id }: TransactionEvent): Probe | undefined {
    const probe = this.#asked.get(id);
    if (probe === undefined || type === 'terminated') return undefined;
    this.#asked.delete(id);
    return probe;
  }

  #ask(probe: Probe, now: number): readonly Action[] | undefined {
    const { routing, table, unique } = this.#parts;
    const built = question(probe, routing.self.isSelf.bind(routing.self));
    const way = built && route(built.message, routing, built.flow);
    const [first] = way?.kind === 'forward' ? way.targets[0] : [];
    const target = first && routing.servers.first(first.target, now);
    const outbound = target && built && routing.self.pointFor(target, built.flow);
    if (built === undefined || way?.kind !== 'forward' || first === undefined || !target || outbound === undefined)
      return undefined;
    const branch = makeBranch(unique(), unique());
    const via = `SIP/2.0/${outbound.transport.toUpperCase()} ${bracketed(outbound.address)}:${outbound.port};branch=${branch};rport`;
    const routes = [...way.pushRoutes, ...built.head.routes.slice(way.popRoutes)];
    const text = request({ ...built.head, uri: first.uri, via, routes });
    const sent = table.send({ text, method: 'OPTIONS', branch }, sentFrom(target, outbound), now);
    if (!sent.ok) return undefined;
    this.#asked.set(sent.id, probe);
    return sent.actions;
  }
}

/**
 * The question as the other side would send it here. CSeq is the last that was seen from there and no higher: a higher one would make the
 * peer refuse the real BYE to come (RFC 3261 12.2.2: "If the remote sequence number was not empty, but the sequence number of the request is
 * lower than the remote sequence number, the request is out of order").
 */
function question({ call, tag, side }: Probe, isSelf: (uri: NonNullable<ReturnType<typeof parseUri>>) => boolean) {
  const detail = detailOf(call, tag);
  if (!detail?.route || call.ends === undefined) return undefined;
  const target = (detail[side] as End).target;
  const peer = detail[otherSide(side)] as End;
  const { cseq } = peer;
  const caller = `<${call.ends.from}>;tag=${call.fromTag}`;
  const callee = `<${call.ends.to}>;tag=${tag}`;
  // RFC 3261 12.1.2: the caller's route set is the Record-Route in reverse order, 12.1.1: the callee's is as it stands.
  const stations = detail.route.split(' ');
  if (side === 'callee') stations.reverse();
  const own = (uri: string | undefined) => {
    const parsed = parseUri(uri ?? '');
    return parsed !== undefined && isSelf(parsed);
  };
  let from = stations.findLastIndex(own);
  if (from < 0) return undefined;
  while (from > 0 && own(stations[from - 1])) from -= 1;
  const here = parseUri(stations[from] as string);
  const at = here && targetOf(here);
  if (at === undefined) return undefined;
  // Where the peer's own request would come from, as far as is known: its next hop here, or itself. At the edge of a PBX that tells sides apart.
  const near = parseUri(stations[from - 1] ?? peer.target);
  const hop = (near && targetOf(near)) ?? at;
  const flow: Flow = {
    transport: at.transport,
    local: { address: at.host, port: at.port },
    remote: { address: hop.host, port: hop.port },
  };
  const head = {
    ...{ method: 'OPTIONS', uri: target, callId: call.callId, cseq, routes: stations.slice(from).map((uri) => `<${uri}>`) },
    ...(side === 'callee' ? { from: caller, to: callee } : { from: callee, to: caller }),
  };
  const scanned = scan(request({ ...head, via: 'SIP/2.0/UDP offhook.invalid;branch=z9hG4bKway' }), UNLIMITED, 'datagram');
  return scanned.ok ? { message: scanned.message, flow, head } : undefined;
}
