import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { logError } from '../log.ts';
import type { AppEnv } from './auth.ts';
import { requireSecret } from './authorize.ts';
import { countRequests } from './metrics.ts';
import { mount } from './operation.ts';
import { BARE_OPERATIONS, OPERATIONS } from './operations/index.ts';
import { answer, problem } from './problem.ts';

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
mount(app, BARE_OPERATIONS);
app.use(requireSecret);
app.use('/v1/presence/*', readable);
app.use('/v1/domains/*', readable);
app.use('/v1/events', readable);
app.use('/v1/watches/*', readable);
mount(app, OPERATIONS);
app.notFound((c) => answer(c, problem('no-such-path', 'there is nothing at this path')));
app.onError((error, c) => {
  logError('a request failed', error);
  // An object that is overloaded or restarting says so; anything else is a fault of ours.
  const passing = 'retryable' in error || 'overloaded' in error;
  if (passing) return answer(c, problem('user-unreachable', 'the user could not be reached'), { 'retry-after': '1' });
  return answer(c, problem('fault', 'something went wrong here'));
});
