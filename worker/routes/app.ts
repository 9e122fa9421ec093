import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { logError } from '../log.ts';
import { getAudit } from './audit.ts';
import type { AppEnv } from './auth.ts';
import { authorize, requireSecret } from './authorize.ts';
import { limitBody } from './body.ts';
import { listDomain } from './domains.ts';
import { events } from './events.ts';
import { getHistory } from './history.ts';
import { countRequests, getMetrics } from './metrics.ts';
import { deleteOverride, getOverrides, putOverride } from './override.ts';
import { getPage } from './page.ts';
import { takes } from './parameters.ts';
import { deletePresence, getPresence, queryPresence } from './presence.ts';
import { answer, problem } from './problem.ts';
import { getProblem, listProblems } from './problems/page.ts';
import { postReconcile, postStop } from './reconcile.ts';
import { getRevocations, postRevocation } from './revocations.ts';
import { postUpdates } from './updates.ts';
import { watch } from './watch.ts';
import { deleteWatch, getWatch, postWatch } from './watches.ts';
import { listDeadLetters, pauseWebhook, replayWebhook, resumeWebhook, rotateSecret, testWebhook } from './webhook-acts.ts';
import { createWebhook, deleteWebhook, getWebhook, listWebhooks } from './webhooks.ts';
import { getWhy } from './why.ts';

/** The Worker's HTTP face. */
export const app = new Hono<AppEnv>();

// Tokens travel in a header of their own, never in a cookie, so any page may read with the token that it was given.
const readable = cors({
  origin: '*',
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
  allowHeaders: ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'Last-Event-ID'],
  exposeHeaders: ['RateLimit', 'RateLimit-Policy', 'Retry-After', 'ETag'],
  maxAge: 86_400,
});

app.use(
  methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) =>
      answer(c, problem('method-not-allowed', `use ${methods.join(' or ')}`), { allow: methods.join(', ') }),
  }),
);
app.use(countRequests);
app.get('/healthz', (c) => c.json({ status: 'ok' }));
app.use(requireSecret);
app.get('/', getPage);
app.get('/problems', listProblems);
app.get('/problems/:kind', getProblem);
app.use('/v1/presence/*', readable);
app.use('/v1/domains/*', readable);
app.use('/v1/events', readable);
app.post('/v1/updates', authorize('ingest'), limitBody, postUpdates);
app.post('/v1/sites/:site/reconcile', authorize('ingest'), limitBody, postReconcile);
app.post('/v1/sites/:site/stop', authorize('ingest'), limitBody, postStop);
app.post('/v1/presence/query', authorize('read'), limitBody, queryPresence);
app.get('/v1/presence/:user', authorize('read'), takes('at'), getPresence);
app.delete('/v1/presence/:user', authorize('admin'), takes(), deletePresence);
app.get('/v1/presence/:user/history', authorize('read'), takes('from', 'to', 'limit', 'cursor'), getHistory);
app.get('/v1/presence/:user/why', authorize('read'), takes(), getWhy);
app.get('/v1/presence/:user/override', authorize('read'), takes(), getOverrides);
app.put('/v1/presence/:user/override', authorize('write'), takes(), limitBody, putOverride);
app.delete('/v1/presence/:user/override', authorize('write'), takes('by', 'application'), deleteOverride);
app.get('/v1/domains/:domain/presence', authorize('read'), takes('status', 'limit', 'cursor'), listDomain);
app.get('/v1/watch', authorize('read'), takes('user', 'domain', 'since'), watch);
app.get('/v1/events', authorize('read'), takes('user', 'domain', 'since'), events);
app.post('/v1/webhooks', authorize('write'), takes(), limitBody, createWebhook);
app.get('/v1/webhooks', authorize('write'), takes('domain'), listWebhooks);
app.get('/v1/webhooks/:id', authorize('write'), takes(), getWebhook);
app.delete('/v1/webhooks/:id', authorize('write'), takes(), deleteWebhook);
app.post('/v1/webhooks/:id/test', authorize('write'), takes(), limitBody, testWebhook);
app.post('/v1/webhooks/:id/secret', authorize('write'), takes(), limitBody, rotateSecret);
app.post('/v1/webhooks/:id/pause', authorize('write'), takes(), limitBody, pauseWebhook);
app.post('/v1/webhooks/:id/resume', authorize('write'), takes(), limitBody, resumeWebhook);
app.get('/v1/webhooks/:id/dead-letters', authorize('write'), takes('limit', 'cursor'), listDeadLetters);
app.post('/v1/webhooks/:id/replay', authorize('write'), takes(), limitBody, replayWebhook);
app.post('/v1/watches/:user', authorize('read'), takes(), limitBody, postWatch);
app.get('/v1/watches/:id', authorize('read'), takes(), getWatch);
app.delete('/v1/watches/:id', authorize('write'), takes(), deleteWatch);
app.get('/v1/audit', authorize('admin'), takes('from', 'user', 'limit', 'cursor'), getAudit);
app.post('/v1/tokens/revocations', authorize('admin'), takes(), limitBody, postRevocation);
app.get('/v1/tokens/revocations', authorize('admin'), takes('limit', 'cursor'), getRevocations);
app.get('/metrics', authorize('metrics'), takes('domain'), getMetrics);
app.notFound((c) => answer(c, problem('no-such-path', 'there is nothing at this path')));
app.onError((error, c) => {
  logError('a request failed', error);
  // An object that is overloaded or restarting says so; anything else is a fault of ours.
  const passing = 'retryable' in error || 'overloaded' in error;
  if (passing) return answer(c, problem('user-unreachable', 'the user could not be reached'), { 'retry-after': '1' });
  return answer(c, problem('fault', 'something went wrong here'));
});
