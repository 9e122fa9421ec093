import { type Contact, type Message, parseUri, paths, supported, vias } from '../sip/index.ts';

/** Option tags that a registrar must understand and this one does (RFC 3261 10.3 step 2). */
export const REGISTRAR_OPTIONS: ReadonlySet<string> = new Set(['outbound']);

/** RFC 5626 4.4.1: a keep-alive at least this often, seconds, is asked of a telephone over a connection: shorter than NATs forget. */
const FLOW_TIMER = 120;

/** RFC 5626 4.1, 4.2: the telephone, and which of its flows; as they stand in a Contact. */
export interface InstanceFlow {
  readonly instance: string;
  readonly regId: string;
}

/** What a Contact says of its telephone and flow; undefined where it does not say both. */
export function flowOfContact({ params }: Pick<Contact, 'params'>): InstanceFlow | undefined {
  const [instance, regId] = [params.get('+sip.instance'), params.get('reg-id')];
  return typeof instance === 'string' && typeof regId === 'string' ? { instance, regId } : undefined;
}

/** The same of a binding, whose parameters are kept as text. */
export function flowOfBinding({ params }: { readonly params: string }): InstanceFlow | undefined {
  if (!params.includes('reg-id')) return undefined;
  const instance = /;\+sip\.instance="?([^";]*)"?/i.exec(params)?.[1];
  const regId = /;reg-id=([^;]*)/i.exec(params)?.[1];
  return instance === undefined || regId === undefined ? undefined : { instance, regId };
}

/**
 * RFC 5626 6: "When a registrar receives a REGISTER request with an instance-id and reg-id in a Contact [...], the binding is [...] between
 * an AOR and the combination of the instance-id (from the +sip.instance Contact header field parameter) and the value of "reg-id"": a
 * telephone that restarts under another address replaces its own binding. -1 where there is none.
 */
export function indexOfFlow(bindings: readonly { readonly params: string }[], contact: Contact): number {
  const wanted = flowOfContact(contact);
  if (wanted === undefined) return -1;
  return bindings.findIndex((binding) => {
    const flow = flowOfBinding(binding);
    return flow?.instance === wanted.instance && flow.regId === wanted.regId;
  });
}

/** What a REGISTER asks of outbound (RFC 5626): not at all, in a way that is served, or by a first hop that does not support it. */
export function outboundOf(request: Message, contacts: readonly Contact[]): 'none' | 'served' | 'first hop lacks it' {
  if (!contacts.some((contact) => contact.params.has('reg-id') && contact.params.has('+sip.instance'))) return 'none';
  if (!supported(request).includes('outbound')) return 'none';
  // 6: "the registrar determines whether the edge proxy supports this specification [...] by checking if there is a Path header field with an
  // "ob" URI parameter in its first URI": of consequence only where there is such a proxy.
  if ((vias(request)?.length ?? 1) < 2) return 'served';
  const first = paths(request)?.at(-1);
  return first && parseUri(first.uri)?.params.has('ob') ? 'served' : 'first hop lacks it';
}

/** 6: "the registrar [...] MUST include the "outbound" option-tag in a Require header field of the response". */
export const OUTBOUND_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ['Require', 'outbound'],
  ['Flow-Timer', String(FLOW_TIMER)],
];
