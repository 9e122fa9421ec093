// A program of somebody who has installed the package: compiled by itself, strictly, against what is packed, and run. test/interop/pack.test.ts copies it.
import { isProblem, OffhookProblem, offhook, type PresenceDocument, type WatchEvent } from 'offhook/client';

const [url = '', token = '', user = ''] = process.argv.slice(2);
const client = offhook({ url, token });

const now: PresenceDocument | null = await client.presence(user);
console.log(now?.user, now?.status);
const past = await client.presence(user, { at: new Date() });
console.log(past?.asOf.until);
console.log((await client.query([user, 'nobody@127.0.0.1'])).map((one) => (isProblem(one) ? one.code : one.version)));
for await (const event of client.watch({ users: [user] })) {
  const told: WatchEvent = event;
  if (told.type === 'presence') console.log(told.presence.calls[0]?.direction);
  // @ts-expect-error a snapshot has no document of its own
  if (told.type === 'snapshot') console.log(told.users.length, told.presence);
  break;
}
try {
  // @ts-expect-error there is no such status
  for await (const one of client.list('127.0.0.1', { status: 'free' })) console.log(one);
} catch (error) {
  if (error instanceof OffhookProblem) console.log(error.kind, error.field);
}
