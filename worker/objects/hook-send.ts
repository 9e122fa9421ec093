import { HOOK_LIMITS, isPrivateHost, type Outcome, retryAfter, signedContent } from '../hooks/index.ts';

/** Bytes of chance in a secret (Standard Webhooks: 24 to 64). */
const SECRET_BYTES = 32;
const SECRET_PREFIX = 'whsec_';

/** What is sent, and to whom. */
export interface Delivery {
  readonly url: string;
  readonly id: string;
  readonly body: string;
  /** Each signs; the newest first. */
  readonly secrets: readonly string[];
}

/** How an attempt ended. `status` is there where the receiver answered. */
export type Sent = (Outcome | { readonly is: 'gone' }) & { readonly status?: number };

/**
 * Sends one signed POST by the Standard Webhooks specification. Success is 2xx; redirects are not followed, since where they lead was looked at by nobody.
 * Never throws. `now` is ms since 1970.
 */
export async function send({ url, id, body, secrets }: Delivery, allowPrivate: boolean, now: number): Promise<Sent> {
  const refusal = addressProblem(url, allowPrivate);
  if (refusal !== undefined) return { is: 'failed', reason: refusal };
  const timestamp = Math.floor(now / 1000);
  // Not AbortSignal.timeout: its timer cannot be cleared, and would keep the object in memory until it has run.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), HOOK_LIMITS.attemptTimeout);
  try {
    const signatures = await Promise.all(secrets.map((secret) => sign(secret, signedContent(id, timestamp, body))));
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'offhook',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatures.join(' '),
      },
      body,
      redirect: 'manual',
      signal: late.signal,
    });
    // What a receiver says in its body is not read: it is nothing to us, and may be endless.
    await response.body?.cancel();
    return judge(response.status, response.headers.get('retry-after'), now);
  } catch {
    return { is: 'failed', reason: late.signal.aborted ? 'timeout' : 'unreachable' };
  } finally {
    clearTimeout(timer);
  }
}

function judge(status: number, after: string | null, now: number): Sent {
  if (status >= 200 && status < 300) return { is: 'delivered', status };
  // Standard Webhooks: "410 Gone: the endpoint is gone; disable it".
  if (status === 410) return { is: 'gone', status };
  const wait = retryAfter(after, now);
  return { is: 'failed', status, reason: `HTTP ${status}`, ...(wait === undefined ? {} : { retryAfter: wait }) };
}

/** Why nothing may be delivered to a URL, in one word; undefined where it may. */
export function addressProblem(url: string, allowPrivate: boolean): 'no-url' | 'not-https' | 'private-address' | undefined {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.username !== '' || parsed.password !== '') return 'no-url';
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return 'no-url';
  if (allowPrivate) return undefined;
  if (parsed.protocol !== 'https:') return 'not-https';
  return isPrivateHost(parsed.hostname) ? 'private-address' : undefined;
}

/** Whether the variable WEBHOOK_ALLOW_PRIVATE lets deliveries go to private addresses and without TLS. */
export function allowsPrivate(variable: string | undefined): boolean {
  return variable === 'on';
}

/** A new secret: `whsec_` and 256 bits of chance in base64. */
export function newSecret(): string {
  return SECRET_PREFIX + toBase64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

/** An identity nobody can guess: a prefix, and 128 bits of chance in base64url. */
export function newId(prefix: string): string {
  return `${prefix}_${toBase64url(crypto.getRandomValues(new Uint8Array(16)))}`;
}

/**
 * The identity of an event of a webhook: the same for the same document, however often and from wherever it comes, so that a receiver can drop
 * doubles by it. A document that was told before, and is true again since a site was lost or came back, has another (`Numbered.occasion`).
 */
export async function eventId(hook: string, text: string, occasion?: number): Promise<string> {
  const told = occasion === undefined ? text : `${occasion}\n${text}`;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${hook}\n${told}`));
  return `msg_${toBase64url(new Uint8Array(digest, 0, 16))}`;
}

/** `v1,` and the HMAC-SHA256 of the content in base64 (Standard Webhooks, "Signature scheme"). */
async function sign(secret: string, content: string): Promise<string> {
  const bytes = Uint8Array.from(atob(secret.slice(SECRET_PREFIX.length)), (char) => char.charCodeAt(0));
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return `v1,${toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(content))))}`;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function toBase64url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
