import { HOOK_LIMITS } from '../hooks/index.ts';
import type { HookView } from '../objects/hook.ts';
import { timestamp } from '../presence/index.ts';
import type { WebhookTest } from '../protocol/index.ts';
import { invalidBody, jsonObject, readBody } from './body.ts';
import { makerOf } from './hook-access.ts';
import { readQuery } from './parameters.ts';
import { answer, problem } from './problem.ts';
import { deadLettersSchema, replaySchema, rotationSchema } from './schema/webhook.ts';
import { deadLetterJson, webhookJson } from './webhook-json.ts';
import { find, type HookContext, noteAct } from './webhooks.ts';

/** `POST /v1/webhooks/{id}/test`: one signed test event, sent now and once; tells what came of it. */
export async function testWebhook(c: HookContext): Promise<Response> {
  const found = await find(c);
  if ('code' in found) return answer(c, found);
  const sent = await found.hook.test();
  if (sent === null) return answer(c, problem('test-under-way', 'a test of this webhook is under way'), { 'retry-after': '1' });
  const { id, status } = sent;
  const reason = sent.is === 'failed' ? sent.reason : sent.is === 'gone' ? 'HTTP 410' : undefined;
  return c.json<WebhookTest>({
    id,
    delivered: sent.is === 'delivered',
    ...(status === undefined ? {} : { status }),
    ...(reason === undefined ? {} : { reason }),
  });
}

/** `POST /v1/webhooks/{id}/secret`: a new secret, told here alone; the former one signs too for `keepFor` seconds. */
export async function rotateSecret(c: HookContext): Promise<Response> {
  const found = await find(c);
  if ('code' in found) return answer(c, found);
  const body = c.req.header('content-length') === '0' || c.req.raw.body === null ? {} : await jsonObject(c);
  if (body === undefined) return answer(c, problem('not-json', 'the body is not a JSON object'));
  const read = rotationSchema.safeParse(body);
  if (!read.success) return answer(c, invalidBody(read.error));
  await noteAct(c, 'webhook.rotate', found);
  const overlap = read.data.keepFor * 1000;
  const now = Date.now();
  const secret = await found.hook.rotate(overlap);
  return c.json({ secret, formerValidUntil: timestamp(now + overlap) });
}

/** `POST /v1/webhooks/{id}/pause`: what happens from now on waits. */
export async function pauseWebhook(c: HookContext): Promise<Response> {
  return changeState(c, 'pause');
}

/** `POST /v1/webhooks/{id}/resume`: what waits is delivered; one that the receiver disabled by 410 takes events again, as does one whose token was revoked, in the name of this one. */
export async function resumeWebhook(c: HookContext): Promise<Response> {
  return changeState(c, 'resume');
}

/** `GET /v1/webhooks/{id}/dead-letters`: what could not be delivered, the newest first. */
export async function listDeadLetters(c: HookContext): Promise<Response> {
  const query = readQuery(c, deadLettersSchema);
  if (query instanceof Response) return query;
  const found = await find(c);
  if ('code' in found) return answer(c, found);
  const { limit, cursor } = query;
  const letters = await found.hook.deadLetters(cursor ?? Number.MAX_SAFE_INTEGER, limit + 1);
  const page = letters.slice(0, limit);
  const last = page.at(-1)?.n;
  const more = letters.length > limit && last !== undefined;
  return c.json({ deadLetters: page.map(deadLetterJson), ...(more ? { cursor: String(last) } : {}) });
}

/** `POST /v1/webhooks/{id}/replay`: puts dead letters back in line, or all that is kept from an event on. */
export async function replayWebhook(c: HookContext): Promise<Response> {
  const read = await readBody(c, replaySchema);
  if (read instanceof Response) return read;
  const found = await find(c);
  if ('code' in found) return answer(c, found);
  await noteAct(c, 'webhook.replay', found);
  const { from } = read;
  const replayed = await found.hook.replay(from ?? null);
  if (replayed === 'unknown') return answer(c, problem('no-such-event', `from: no event ${from} is kept`, 'from'));
  if (replayed === 'no-room') {
    return answer(c, problem('no-room-for-replay', `more than ${HOOK_LIMITS.queue} events would wait`));
  }
  return c.json({ replayed: replayed.count });
}

async function changeState(c: HookContext, act: 'pause' | 'resume'): Promise<Response> {
  const found = await find(c);
  if ('code' in found) return answer(c, found);
  await noteAct(c, 'webhook.change', found, act);
  await (act === 'pause' ? found.hook.pause() : found.hook.resume(makerOf(c.get('claims'))));
  const view = (await found.hook.view()) as HookView;
  return c.json(webhookJson(view));
}
