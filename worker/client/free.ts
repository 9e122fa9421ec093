import type { CallbackDocument, PresenceDocument, Status } from '../protocol/index.ts';
import { type Asker, jsonOf } from './asker.ts';
import type { WithSignal } from './options.ts';

/** The longest that one request waits, s; then it is asked again. */
const WAIT = 60;
/** What an answer may take beyond its wait, ms. */
const GRACE = 15_000;

/** What is waited for. */
export interface FreeOptions extends WithSignal {
  /** Any of these will do: `available` by default. */
  readonly until?: Status | readonly Status[];
  /** Seconds after which it is given up; without it, it is waited until it is so. */
  readonly within?: number;
}

/** What came of asking for a callback: it is so already, or it will be told. */
export type Callback =
  | { readonly fulfilled: true; readonly presence: PresenceDocument }
  | { readonly fulfilled: false; readonly watch: CallbackDocument & { readonly secret: string } };

/** Asks again and again, each time for a minute, until it is so; null where the time passes. */
export async function whenFree(
  asker: Asker,
  user: string,
  { until = 'available', within = Number.POSITIVE_INFINITY, signal }: FreeOptions,
): Promise<PresenceDocument | null> {
  const end = Date.now() + within * 1000;
  for (;;) {
    const wait = Math.max(1, Math.min(WAIT, Math.ceil((end - Date.now()) / 1000)));
    const path = `/watches/${encodeURIComponent(user)}`;
    const more = { timeout: wait * 1000 + GRACE, ...(signal && { signal }) };
    const response = await asker.ask({ method: 'POST', path, body: { until, wait }, reads: true, ...more });
    if (response.status === 200) return jsonOf(response);
    if (Date.now() >= end) return null;
  }
}

export async function callWhenFree(asker: Asker, user: string, body: object, options: WithSignal): Promise<Callback> {
  const response = await asker.ask({ method: 'POST', path: `/watches/${encodeURIComponent(user)}`, body, ...options });
  return response.status === 201
    ? { fulfilled: false, watch: await jsonOf(response) }
    : { fulfilled: true, presence: await jsonOf(response) };
}
