import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { LeaseAnswer, PresenceDocument, UpdateAnswer } from '../../../worker/protocol/index.ts';
import { app } from '../../../worker/routes/app.ts';
import { token } from './client.ts';
import { hold } from './contract.ts';

/** A Worker whose sites stay in touch for `seconds` after their last word. */
export function workerWithLease(seconds: number) {
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${await token()}`);
    const answer = await app.request(
      path,
      { ...init, headers },
      { ...env, SITE_LEASE: String(seconds) },
      createExecutionContext(),
    );
    return hold(init.method ?? 'GET', path, answer, init.body ?? null);
  };
  const post = (path: string, body: unknown) => request(path, { method: 'POST', body: JSON.stringify(body) });
  return {
    request,
    post,
    /** A batch of a site; with `epoch`, of that incarnation. */
    async batch(site: string, updates: readonly unknown[], epoch?: number): Promise<UpdateAnswer & { lease: LeaseAnswer }> {
      const response = await post('/v1/updates', { version: 1, site, sentAt: Date.now(), updates, ...(epoch ? { epoch } : {}) });
      return response.json();
    },
    async presence(user: string): Promise<PresenceDocument> {
      return (await request(`/v1/presence/${encodeURIComponent(user)}`)).json();
    },
  };
}

/** Asks again until it holds; the test's own time limit ends the wait otherwise. */
export async function eventually<T>(ask: () => Promise<T>, holds: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await ask();
    if (holds(found)) return found;
    await scheduler.wait(20);
  }
}
