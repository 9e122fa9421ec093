import { events } from '../events.ts';
import type { Operation } from '../operation.ts';
import { presenceDocument } from '../schema/document.ts';
import { eventFrame, watchFrame } from '../schema/frame.ts';
import { watchAnswer, watchMade } from '../schema/hook-answers.ts';
import { watchedSchema } from '../schema/query.ts';
import { watchSchema } from '../schema/webhook.ts';
import { watch } from '../watch.ts';
import { deleteWatch, getWatch, postWatch } from '../watches.ts';

const tag = 'Watching';

// A path of OpenAPI has one name for each of its parameters, whatever the method.
const WATCH_ID = { user: 'Id of the watch, as told when it was made.' };

export const WATCH_OPERATIONS: readonly Operation[] = [
  {
    id: 'watch',
    method: 'get',
    path: '/v1/watch',
    tag,
    scope: 'read',
    summary: 'Every change as it happens, over a WebSocket',
    description:
      'A snapshot, then every change, each a JSON text message. Name users or one domain. A browser gives its token as the subprotocol `offhook.token.` and the token, beside `offhook.v1`. The text `ping` is answered `pong` (docs/watching.md).',
    query: watchedSchema,
    headers: {
      Upgrade: '`websocket`',
      'Sec-WebSocket-Protocol': '`offhook.v1`, and `offhook.token.` with the token where there is no `Authorization`.',
    },
    answers: { 101: { means: 'The WebSocket is open: its messages are `WatchFrame`s.', frames: watchFrame } },
    problems: ['websocket-needed', 'bad-user', 'bad-domain', 'domain-not-covered', 'too-many-watchers'],
    handle: watch,
  },
  {
    id: 'events',
    method: 'get',
    path: '/v1/events',
    tag,
    scope: 'read',
    summary: 'The same as server-sent events',
    query: watchedSchema,
    headers: { 'Last-Event-ID': 'The `id` of the last event that was seen: goes on from there.' },
    answers: {
      200: { means: 'The stream: the data of its events are `EventFrame`s.', types: ['text/event-stream'], frames: eventFrame },
    },
    problems: ['bad-user', 'bad-domain', 'domain-not-covered', 'too-many-watchers'],
    handle: events,
  },
  {
    id: 'postWatch',
    method: 'post',
    path: '/v1/watches/:user',
    tag,
    scope: 'read',
    summary: 'Tell me when this user is free',
    description:
      'Once: the request waits for its answer (`wait`), or a signed callback is made (`callback`, which wants the scope `write` too).',
    body: watchSchema.meta({ id: 'WatchRequest' }),
    answers: {
      200: { means: 'It is so: the document.', body: presenceDocument },
      201: { means: 'The callback waits.', body: watchMade },
      204: { means: 'It was not so within the time.' },
    },
    problems: ['bad-user', 'domain-not-covered', 'address-not-allowed', 'too-many-webhooks', 'too-many-watchers'],
    handle: postWatch,
  },
  {
    id: 'getWatch',
    method: 'get',
    path: '/v1/watches/:user',
    inPath: WATCH_ID,
    tag,
    scope: 'read',
    summary: 'A callback that waits',
    answers: { 200: { means: 'It waits.', body: watchAnswer } },
    problems: ['no-such-watch'],
    handle: getWatch,
  },
  {
    id: 'deleteWatch',
    method: 'delete',
    path: '/v1/watches/:user',
    inPath: WATCH_ID,
    tag,
    scope: 'write',
    summary: 'Wait no more',
    answers: { 204: { means: 'It is forgotten.' } },
    problems: ['no-such-watch'],
    handle: deleteWatch,
  },
];
