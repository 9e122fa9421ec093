/** One kind of error. Name, number and status stay for ever; what is said of it may be said better. */
export interface Kind {
  /** The status, and a running number of two digits: 40302. */
  readonly number: number;
  readonly status: number;
  readonly title: string;
  /** What it means, and what to do. */
  readonly meaning: string;
}

const TRY_AGAIN =
  'Ask again after the seconds that Retry-After tells, or after a second where it tells none; wait longer each time.';

/** Every kind of error that the Worker answers, by name. Each has its page at `/problems/{name}` and `/problems/{number}`. */
export const KINDS = {
  'bad-request': {
    number: 40000,
    status: 400,
    title: 'Bad Request',
    meaning: 'The request cannot be understood; `detail` tells why. The same request will fail again.',
  },
  'not-json': {
    number: 40001,
    status: 400,
    title: 'The body is not a JSON object',
    meaning:
      'The body must be one JSON object (RFC 8259) in UTF-8. Look for a missing body, a trailing comma, or an array around it.',
  },
  'bad-parameter': {
    number: 40002,
    status: 400,
    title: 'A parameter is not valid',
    meaning:
      'A parameter of the query is there, but its value is not one that it can have. `field` names it, `detail` says what it may be.',
  },
  'unknown-parameter': {
    number: 40003,
    status: 400,
    title: 'There is no such parameter',
    meaning:
      'The query has a parameter that this request does not take. It is refused and not passed over, since the answer would be one to another question. `field` names it; look for a slip in its name.',
  },
  'bad-user': {
    number: 40004,
    status: 400,
    title: 'The user is no address of record',
    meaning:
      'A user is named by `alice@example.com`, `sip:alice@example.com` or a number (`tel:+12015550123`; a local one with its `phone-context`), escaped as a path wants it (`%40` for `@` is fine).',
  },
  'bad-domain': {
    number: 40005,
    status: 400,
    title: 'The domain is no host',
    meaning: 'A domain is a host name or an IP address, without a scheme, port or user: `example.com`.',
  },
  'unknown-version': {
    number: 40006,
    status: 400,
    title: 'The version of the batch is not understood',
    meaning:
      'The site that reports speaks another version of the protocol than this Worker. Bring the older of the two up to date.',
  },
  unauthorized: {
    number: 40100,
    status: 401,
    title: 'Unauthorized',
    meaning: 'The request needs an access token that is good; `detail` tells what is wrong with the one that came.',
  },
  'no-token': {
    number: 40101,
    status: 401,
    title: 'A token is needed',
    meaning:
      'Send an access token as `Authorization: Bearer ...`; a browser gives it to a WebSocket as the subprotocol `offhook.token.` and the token. `npx offhook token --scope read` makes one.',
  },
  'invalid-token': {
    number: 40102,
    status: 401,
    title: 'The token is not valid',
    meaning:
      'It has run out, was revoked, was cut on the way, or was signed with another secret than this Worker has. Get a new one.',
  },
  forbidden: {
    number: 40300,
    status: 403,
    title: 'Forbidden',
    meaning: 'The token is good, but does not allow this; `detail` tells why.',
  },
  'missing-scope': {
    number: 40301,
    status: 403,
    title: 'The token lacks a scope',
    meaning:
      'The token is good, but not for this kind of request. `detail` names the scope that is needed: get a token that has it.',
  },
  'domain-not-covered': {
    number: 40302,
    status: 403,
    title: 'The token does not cover this',
    meaning: 'The token is for users of another domain, or for other users. Whether what was asked for is there is not told.',
  },
  'other-site': {
    number: 40303,
    status: 403,
    title: 'The token is for another site',
    meaning:
      'The batch names a site, and the token is for one of another name. Give each shim a token made with its own `--site`.',
  },
  'not-found': {
    number: 40400,
    status: 404,
    title: 'Not Found',
    meaning: 'What the path names is not there; `detail` tells what.',
  },
  'no-such-path': {
    number: 40401,
    status: 404,
    title: 'There is nothing at this path',
    meaning: 'No request has this path. All that there are stand at `/reference`.',
  },
  'user-never-seen': {
    number: 40402,
    status: 404,
    title: 'The user was never seen',
    meaning:
      'No site has told of this user. It is not the same as offline: look for a slip in the name or the domain, and whether the phone registers at a site that reports here.',
  },
  'user-not-seen-yet': {
    number: 40403,
    status: 404,
    title: 'The user was not seen yet',
    meaning:
      'At the time of `at` no site had told of this user. `detail` names the time from which on there is something to tell.',
  },
  'no-such-webhook': {
    number: 40410,
    status: 404,
    title: 'There is no such webhook',
    meaning:
      'No webhook has this id, or it shows more than the token may see: another domain, or more detail. `GET /v1/webhooks?domain=` lists those that the token may see.',
  },
  'no-such-watch': {
    number: 40411,
    status: 404,
    title: 'There is no such watch',
    meaning:
      'No callback that waits has this id: it has been made, has expired, or was cancelled; or the token does not cover its user.',
  },
  'no-such-event': {
    number: 40412,
    status: 404,
    title: 'The event is not kept',
    meaning:
      'A replay can begin with an event that is kept: delivered ones for three days, dead letters for thirty, and no more than the limits of a webhook. `from` takes the `webhook-id` of a delivery.',
  },
  'method-not-allowed': {
    number: 40501,
    status: 405,
    title: 'The path takes another method',
    meaning: 'The path is right, the method is not; `Allow` lists those that it takes.',
  },
  'not-acceptable': {
    number: 40600,
    status: 406,
    title: 'Not Acceptable',
    meaning: 'The answer cannot be given in any of the forms that `Accept` lists.',
  },
  conflict: {
    number: 40900,
    status: 409,
    title: 'Conflict',
    meaning: 'The request contradicts what is there; `detail` tells what. Read it anew, then decide.',
  },
  'too-many-overrides': {
    number: 40901,
    status: 409,
    title: 'There are too many overrides of the user',
    meaning:
      'As many applications override this user as are kept side by side. Take one back that is needed no more, or wait until one ends.',
  },
  'too-many-webhooks': {
    number: 40910,
    status: 409,
    title: 'There is no room for one more webhook',
    meaning:
      'A domain has so many webhooks, and a board so many webhooks and callbacks, as its limit says (`docs/webhooks.md`). Delete one that is not needed; one webhook can tell of a whole domain.',
  },
  'no-room-for-replay': {
    number: 40911,
    status: 409,
    title: 'There is no room for the replay',
    meaning: 'More events would wait than a webhook keeps. Let it deliver what waits, or begin with a later event.',
  },
  gone: {
    number: 41000,
    status: 410,
    title: 'Gone',
    meaning: 'What was asked for was there and is not kept any more; `detail` tells which part.',
  },
  'past-not-kept': {
    number: 41001,
    status: 410,
    title: 'The past is not kept that long',
    meaning:
      'The history of this user does not reach back to the time of `at`: it is bounded in entries and in age. `detail` names the earliest time that can be told of.',
  },
  'precondition-failed': {
    number: 41200,
    status: 412,
    title: 'Precondition Failed',
    meaning: 'The condition in the header of the request does not hold any more. Read anew, then decide.',
  },
  'too-large': {
    number: 41300,
    status: 413,
    title: 'Content Too Large',
    meaning: 'The request brings more than is taken; `detail` tells the limit.',
  },
  'body-too-large': {
    number: 41301,
    status: 413,
    title: 'The body is too large',
    meaning: 'The body has more bytes than is read; `detail` tells the limit. Send it in parts.',
  },
  'too-many-items': {
    number: 41302,
    status: 413,
    title: 'There are too many items',
    meaning: 'The list in the body has more items than one request may bring; `detail` tells the limit. Send several requests.',
  },
  'unsupported-media-type': {
    number: 41500,
    status: 415,
    title: 'Unsupported Media Type',
    meaning: 'The body is of a type that is not read here; `detail` tells which is.',
  },
  unprocessable: {
    number: 42200,
    status: 422,
    title: 'Unprocessable Content',
    meaning: 'The request was understood, and cannot be carried out; `detail` and `field` tell why.',
  },
  'invalid-body': {
    number: 42201,
    status: 422,
    title: 'The body is not valid',
    meaning:
      'The body is JSON, but not what this request takes. `field` is the path of the first value that is wrong, `detail` says what is.',
  },
  'address-not-allowed': {
    number: 42210,
    status: 422,
    title: 'Nothing is delivered to this address',
    meaning:
      'Webhooks and callbacks go to https URLs of public addresses, without a user in the URL. Addresses of the own machine and of private networks are refused, in whatever spelling; only the operator can allow them, by the variable `WEBHOOK_ALLOW_PRIVATE`.',
  },
  'websocket-needed': {
    number: 42601,
    status: 426,
    title: 'This is a WebSocket',
    meaning: 'Open the path as a WebSocket (RFC 6455). A plain GET cannot watch.',
  },
  'too-many-requests': {
    number: 42900,
    status: 429,
    title: 'Too Many Requests',
    meaning: 'More requests came than this token may send. Ask again after the seconds that `Retry-After` tells.',
  },
  'test-under-way': {
    number: 42910,
    status: 429,
    title: 'A test of this webhook is under way',
    meaning: 'One test at a time: ask again when it has been answered, at most ten seconds later.',
  },
  fault: {
    number: 50001,
    status: 500,
    title: 'Something went wrong here',
    meaning:
      'A fault of ours: nothing was wrong with the request. It is logged; please report it, with `requestId` where there is one.',
  },
  unavailable: {
    number: 50300,
    status: 503,
    title: 'Service Unavailable',
    meaning: `This cannot be answered now. ${TRY_AGAIN}`,
  },
  'no-secret': {
    number: 50301,
    status: 503,
    title: 'The Worker has no secret',
    meaning:
      'Without `OFFHOOK_SECRET` no token can be checked, so nothing is answered but `/healthz`. Its operator sets one of 32 characters or more: `npx wrangler secret put OFFHOOK_SECRET`.',
  },
  'user-unreachable': {
    number: 50302,
    status: 503,
    title: 'The user could not be reached in time',
    meaning: `What keeps this user's state restarts or is overloaded. Nothing was changed, or it was and is safe to send again. ${TRY_AGAIN}`,
  },
  'too-many-watchers': {
    number: 50303,
    status: 503,
    title: 'There is no room for one more watcher',
    meaning: `As many watch this domain as it has room for. Share one connection among several viewers. ${TRY_AGAIN}`,
  },
} as const satisfies Record<string, Kind>;

/** The name of a kind of error. */
export type KindName = keyof typeof KINDS;

/** The kinds that say no more than their status does (RFC 9110 15): for a problem of which the status alone is told. */
export const PLAIN_KINDS = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  406: 'not-acceptable',
  409: 'conflict',
  410: 'gone',
  412: 'precondition-failed',
  413: 'too-large',
  415: 'unsupported-media-type',
  422: 'unprocessable',
  426: 'websocket-needed',
  429: 'too-many-requests',
  500: 'fault',
  503: 'unavailable',
} as const satisfies Record<number, KindName>;
