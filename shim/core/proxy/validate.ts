import { type Message, maxForwards, parseUri, proxyRequires } from '../sip/index.ts';
import { REFUSALS, type Refusal } from './refusal.ts';

/** Option tags that a proxy must understand and this one does (RFC 3261 20.29): none yet. */
const UNDERSTOOD: ReadonlySet<string> = new Set();

/**
 * RFC 3261 16.3: whether a request may be proxied, as far as it can be told without routing. The syntax (step 1) was checked by the
 * scanner; the loop check (step 4) needs the route.
 */
export function validate(m: Message): Refusal | undefined {
  // Step 2: "If the Request-URI has a URI whose scheme is not understood by the proxy, the proxy SHOULD reject the request with a 416."
  const scheme = parseUri(m.uri)?.scheme;
  if (scheme !== 'sip' && scheme !== 'sips' && scheme !== 'tel') return REFUSALS.scheme;
  // Step 3: "If the request contains a Max-Forwards header field with a field value of zero (0), the element MUST NOT forward the request."
  if (maxForwards(m) === 0) return REFUSALS.tooManyHops;
  // Step 5: "If the request contains a Proxy-Require header field with one or more option-tags this element does not understand, the
  // element MUST return a 420."
  const unknown = proxyRequires(m).filter((option) => !UNDERSTOOD.has(option));
  return unknown.length > 0 ? REFUSALS.extension(unknown) : undefined;
}
