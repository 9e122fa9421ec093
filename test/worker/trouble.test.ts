import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ACCESS_LIMITS } from '../../worker/access/index.ts';
import { accessObject } from '../../worker/objects/access.ts';
import type { Problem } from '../../worker/routes/problem.ts';
import { newDomain, newStream, okay, post, report, request, say } from './support/client.ts';
import { boardObject, replace, userObject } from './support/objects.ts';
import { hookObject, makeWebhook, Receiver } from './support/receiver.ts';

/** The kind of a problem, and what it says of when to ask again. */
async function kindOf(response: Response): Promise<[string, string | null]> {
  return [(await response.json<Problem>()).type.replace('/problems/', ''), response.headers.get('retry-after')];
}

const fail = (more: object) => () => {
  throw Object.assign(new Error('as in a fault'), more);
};

afterEach(() => {
  vi.useRealTimers();
});

describe('RFC 9457 problems of what goes wrong here', () => {
  it('a fault of ours is told as such, and an object that restarts as one that may be asked again', async () => {
    const { user } = newStream('alice');
    await replace(userObject(user), 'evidence', fail({}));
    expect(await kindOf(await request(`/v1/presence/${user}/why`))).toEqual(['fault', null]);
    await replace(userObject(user), 'evidence', fail({ retryable: true }));
    expect(await kindOf(await request(`/v1/presence/${user}/why`))).toEqual(['user-unreachable', '1']);
  });

  it('who waits for a user is told where too many do', async () => {
    const { user } = newStream('alice');
    await replace(boardObject(user), 'waitFor', () => undefined);
    expect(await kindOf(await post(`/v1/watches/${user}`, { until: 'available', wait: 1 }))).toEqual(['too-many-watchers', '10']);
  });

  it('a replay for which there is no room changes nothing', async () => {
    const domain = newDomain();
    const { id } = await makeWebhook({ url: new Receiver().url, domain });
    await replace(hookObject(id) as DurableObjectStub, 'replay', () => 'no-room');
    expect(await kindOf(await post(`/v1/webhooks/${id}/replay`, { deadLetters: true }))).toEqual(['no-room-for-replay', null]);
  });

  it('where nobody can tell any more which tokens are revoked, none is let in', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    await replace(accessObject(env), 'revocations', fail({}));
    const ask = () => request(`/v1/presence/${alice.user}`);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ACCESS_LIMITS.revocationOutage - 1_000 });
    expect(await okay(await ask())).toMatchObject({ status: 'available' });
    vi.setSystemTime(Date.now() + 2_000);
    expect(await kindOf(await ask())).toEqual(['unavailable', '1']);
  });
});
