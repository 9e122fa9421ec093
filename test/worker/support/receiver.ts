import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { okay, post, request } from './client.ts';
import { holdEvent } from './contract.ts';

/** A delivery as it came. */
export interface Delivered {
  readonly id: string;
  readonly timestamp: number;
  readonly signature: string;
  readonly headers: Headers;
  readonly redirect: string | undefined;
  readonly text: string;
  readonly event: { readonly type: string; readonly timestamp: string; readonly data: Record<string, unknown> };
}

const receivers = new Map<string, Receiver>();

/** A receiver of webhooks at an address of its own: it keeps what came, and answers what a test says. */
export class Receiver {
  readonly url = `https://hooks.example.com/${crypto.randomUUID()}`;
  readonly deliveries: Delivered[] = [];
  /** Answers a delivery; a status alone will do. */
  answer: (delivery: Delivered) => number | Response | Promise<number | Response> = () => 204;

  constructor() {
    receivers.set(this.url, this);
    vi.stubGlobal('fetch', deliver);
  }

  /** What was told, by the versions of the documents. */
  get versions(): unknown[] {
    return this.deliveries.map(({ event }) => event.data.version);
  }
}

async function deliver(url: string, init: RequestInit): Promise<Response> {
  const receiver = receivers.get(url);
  if (receiver === undefined) throw new TypeError(`nobody listens at ${url}`);
  const headers = new Headers(init.headers);
  const text = String(init.body);
  const delivery: Delivered = {
    id: headers.get('webhook-id') as string,
    timestamp: Number(headers.get('webhook-timestamp')),
    signature: headers.get('webhook-signature') as string,
    headers,
    redirect: init.redirect,
    text,
    event: holdEvent(text),
  };
  receiver.deliveries.push(delivery);
  const answer = await receiver.answer(delivery);
  return typeof answer === 'number' ? new Response(null, { status: answer }) : answer;
}

/** A webhook as `POST /v1/webhooks` tells it. */
export interface Webhook {
  readonly id: string;
  readonly secret: string;
  readonly state: string;
  readonly detail: string;
  readonly deadLetters: number;
  readonly queue: {
    readonly waiting: number;
    readonly retrying: number;
    readonly lastFailure: string | null;
    readonly overflow: object | null;
  };
}

/** Makes a webhook. */
export async function makeWebhook(body: object, headers: Record<string, string> = {}): Promise<Webhook> {
  const response = await post('/v1/webhooks', body, headers);
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

/** A webhook as it is told now. */
export async function webhook(id: string): Promise<Webhook> {
  return okay(await request(`/v1/webhooks/${id}`));
}

/** The object of a webhook or a watch. */
export function hookObject(id: string) {
  return env.HOOK.getByName(id);
}
