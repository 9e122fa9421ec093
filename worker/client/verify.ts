import type { HookEvent } from '../hooks/events.ts';

/** How old, or how far ahead, the time of a delivery may be, s (what the libraries of Standard Webhooks take). */
const TOLERANCE = 300;
const PREFIX = 'whsec_';

/** The headers of a request: a `Headers`, or an object as Node's `request.headers` is. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | { readonly [name: string]: string | readonly string[] | undefined };

export interface VerifyOptions {
  /** Seconds that the time of the delivery may differ from ours: 300 by default. */
  readonly tolerance?: number;
  /** Ms since 1970, in the place of the clock. */
  readonly now?: number;
}

/** A delivery that is good, or why it is not. */
export type Verified =
  | { readonly ok: true; readonly id: string; readonly event: HookEvent }
  | {
      readonly ok: false;
      /** `headers`: one is missing; `too-old`, `too-new`: the time; `signature`: none is by one of the secrets; `body`: signed, but no event. */
      readonly reason: 'headers' | 'too-old' | 'too-new' | 'signature' | 'body';
    };

/**
 * Whether a delivery comes from who has the secret, by the Standard Webhooks specification, and what it says. `body` must be the bytes, or the text, as they
 * came: not what a framework made of them. Several secrets are for the time in which one is replaced. Signatures are compared in
 * constant time (by `crypto.subtle.verify`). Throws where a secret is none.
 */
export async function verifyWebhook(
  secrets: string | readonly string[],
  headers: WebhookHeaders,
  body: string | Uint8Array,
  { tolerance = TOLERANCE, now = Date.now() }: VerifyOptions = {},
): Promise<Verified> {
  const keys = await Promise.all([secrets].flat().map(keyOf));
  const id = header(headers, 'webhook-id');
  const time = header(headers, 'webhook-timestamp');
  const signatures = header(headers, 'webhook-signature');
  if (id === undefined || time === undefined || signatures === undefined || !/^\d{1,12}$/.test(time)) {
    return { ok: false, reason: 'headers' };
  }
  const age = Math.floor(now / 1000) - Number(time);
  if (age > tolerance) return { ok: false, reason: 'too-old' };
  if (age < -tolerance) return { ok: false, reason: 'too-new' };
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const content = joined(new TextEncoder().encode(`${id}.${time}.`), bytes);
  // More than a few is nobody's rotation of secrets.
  for (const signature of signatures.split(' ').slice(0, 10)) {
    const wanted = signature.startsWith('v1,') ? fromBase64(signature.slice('v1,'.length)) : undefined;
    if (wanted === undefined) continue;
    for (const key of keys) {
      if (await crypto.subtle.verify('HMAC', key, wanted, content)) return eventOf(id, bytes);
    }
  }
  return { ok: false, reason: 'signature' };
}

function eventOf(id: string, bytes: Uint8Array): Verified {
  try {
    return { ok: true, id, event: JSON.parse(new TextDecoder().decode(bytes)) as HookEvent };
  } catch {
    return { ok: false, reason: 'body' };
  }
}

function keyOf(secret: string): Promise<CryptoKey> {
  const bytes = secret.startsWith(PREFIX) ? fromBase64(secret.slice(PREFIX.length)) : undefined;
  if (bytes === undefined || bytes.length === 0) throw new TypeError(`the secret is not ${PREFIX} and base64`);
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

function header(headers: WebhookHeaders, name: string): string | undefined {
  const value = typeof headers.get === 'function' ? headers.get(name) : (headers as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function joined(head: Uint8Array, rest: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(head.length + rest.length);
  whole.set(head);
  whole.set(rest, head.length);
  return whole;
}
