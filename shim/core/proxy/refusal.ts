/** A final answer of this element's own: why a request is not served. The one place where a reason becomes a SIP status. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Methods that this element itself serves (RFC 3261 11, 10); everything else it relays. */
export const OWN_METHODS = 'OPTIONS, REGISTER';

const refusal = (status: number, reason: string, ...headers: [string, string][]): Refusal => ({ status, reason, headers });

/** RFC 3261 20.43: Warning 399 carries text for a person. */
const warning = (text: string): [string, string] => ['Warning', `399 offhook "${text}"`];

export const REFUSALS = {
  /** RFC 3261 16.3 step 2 */
  scheme: refusal(416, 'Unsupported URI Scheme'),
  /** RFC 3261 16.3 step 3 */
  tooManyHops: refusal(483, 'Too Many Hops'),
  /** RFC 3261 16.3 step 4 */
  loop: refusal(482, 'Loop Detected'),
  /** RFC 5393 5.3.3 */
  tooBroad: refusal(440, 'Max-Breadth Exceeded'),
  /** RFC 3261 16.3 step 5 */
  extension: (options: readonly string[]) => refusal(420, 'Bad Extension', ['Unsupported', options.join(', ')]),
  /** RFC 3261 8.2.1: a method that is not served at the address of the element itself */
  method: refusal(405, 'Method Not Allowed', ['Allow', OWN_METHODS]),
  /** RFC 3261 21.4.5 */
  unknownUser: refusal(404, 'Not Found'),
  /** RFC 3261 21.4.18: known, and not there now */
  away: refusal(480, 'Temporarily Unavailable'),
  /** RFC 5626 5.3.1, 11.5: by an edge proxy, of a flow that is gone */
  flowFailed: refusal(430, 'Flow Failed'),
  /** RFC 5630 5.3, 6.2: asked for by a `sips:` URI, and no way there that is TLS all along */
  insecure: refusal(480, 'Temporarily Unavailable', ['Warning', '380 offhook "SIPS Not Allowed"']),
  /** Not for a domain served here, and nothing is configured that would take it */
  relay: refusal(403, 'Forbidden', warning('not a domain served here, and no upstream is configured')),
  /** Not for a user here, from one who is none, where peers are named */
  stranger: refusal(403, 'Forbidden', warning('from no user registered here, and no trusted peer')),
  /** RFC 3261 9.2 */
  noTransaction: refusal(481, 'Call/Transaction Does Not Exist'),
  /** RFC 3261 16.7 step 6: a 503 from further on speaks of that server, not of this one */
  noService: refusal(500, 'Server Internal Error', warning('the next hop cannot be reached')),
  /** RFC 3261 16.8, 16.6 step 11 */
  timeout: refusal(408, 'Request Timeout'),
  /** RFC 3261 9.1: cancelled, and not answered in the time of a transaction */
  cancelled: refusal(487, 'Request Terminated'),
  /** RFC 3261 16.7 step 6: where there is one PBX, what it cannot serve now it cannot serve for others either */
  pbxAway: refusal(503, 'Service Unavailable', ['Retry-After', '5'], warning('the PBX cannot be reached')),
  /** The bindings that may be kept are all taken */
  registrarFull: refusal(503, 'Registrar Full', ['Retry-After', '60']),
  /** The share of one source address is reached */
  busySource: refusal(503, 'Service Unavailable', ['Retry-After', '30'], warning('too many from this address')),
  /** RFC 3261 21.5.4: about to end; the same address may serve again in a moment, or another one does */
  draining: refusal(503, 'Service Unavailable', ['Retry-After', '5'], warning('about to restart')),
  /** A limit of this element is reached */
  full: refusal(503, 'Service Unavailable', ['Retry-After', '5'], warning('too many transactions')),
} as const;
