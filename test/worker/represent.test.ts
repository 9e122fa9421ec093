import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { preferred } from '../../worker/routes/negotiate.ts';
import { bearer, newStream, problemOf, report, request, say } from './support/client.ts';
import { userObject } from './support/objects.ts';

const OFFERS = ['application/json', 'application/pidf+xml'] as const;
const PIDF = { accept: 'application/pidf+xml' };

describe('RFC 9110 12.5.1 the form of an answer', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['application/pidf+xml', 'application/pidf+xml'],
    ['APPLICATION/PIDF+XML; charset=utf-8', 'application/pidf+xml'],
    ['application/pidf+xml, application/json', 'application/json'],
    ['application/pidf+xml, application/json;q=0.9', 'application/pidf+xml'],
    ['application/pidf+xml;q=0.2, */*;q=0.1', 'application/pidf+xml'],
    ['application/json;q=0, */*', 'application/pidf+xml'],
    ['application/pidf+xml;q=0.001', 'application/pidf+xml'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    ['text/plain', undefined],
    ['*/*;q=0', undefined],
    ['application/pidf+xml;q=2', undefined],
    ['nonsense', undefined],
  ])('%j is %s', (accept, type) => expect(preferred(accept, OFFERS)).toBe(type));
});

describe('RFC 3863 GET /v1/presence/{user} as PIDF', () => {
  it('answers by Accept, and says on what the answer depends, after an eviction too', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    await evictDurableObject(userObject(alice.user));
    const response = await request(`/v1/presence/${alice.user}`, { headers: PIDF });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/pidf+xml; charset=UTF-8']);
    expect(response.headers.get('vary')).toContain('Accept');
    const text = await response.text();
    expect(text).toContain(`entity="${alice.user}"`);
    expect(text).toContain('<rpid:on-the-phone/>');
    expect(text).toContain('<contact>sip:alice@192.0.2.1</contact>');
    const none = await request(`/v1/presence/${alice.user}`, { headers: { accept: 'image/png' } });
    expect(await problemOf(none)).toBe('406');
  });

  it('tells of the past too, and shows a token no more than its level of detail', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    const at = new Date().toISOString();
    const text = await (await request(`/v1/presence/${alice.user}?at=${at}`, { headers: PIDF })).text();
    expect(text).toContain('<note>available</note>');
    const headers = { ...PIDF, ...(await bearer({ detail: 'busy-only' })) };
    expect(await (await request(`/v1/presence/${alice.user}`, { headers })).text()).not.toContain('192.0.2.1');
  });

  it('has problems as JSON still', async () => {
    expect(await problemOf(await request(`/v1/presence/${newStream('nobody').user}`, { headers: PIDF }))).toBe('404');
  });
});

describe('RFC 9110 8.8.3 entity tags', () => {
  it('differ with form and level of detail, and the tag of one form is no tag of another', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    const tag = async (headers: Record<string, string>) =>
      (await request(`/v1/presence/${alice.user}`, { headers })).headers.get('etag') as string;
    const variants: Record<string, string>[] = [{}, PIDF];
    for (const detail of ['direction', 'busy-only'] as const)
      variants.push(await bearer({ detail }), { ...PIDF, ...(await bearer({ detail })) });
    const tags = await Promise.all(variants.map(tag));
    expect(new Set(tags).size).toBe(variants.length);
    for (const headers of variants) {
      for (const [i, value] of tags.entries()) {
        const { status } = await request(`/v1/presence/${alice.user}`, { headers: { ...headers, 'if-none-match': value } });
        expect(status).toBe(variants[i] === headers ? 304 : 200);
      }
    }
  });

  it('stand for the version where an override is set on a condition, whatever form was read', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    const etag = (await request(`/v1/presence/${alice.user}`, { headers: PIDF })).headers.get('etag') as string;
    const put = () =>
      request(`/v1/presence/${alice.user}/override`, {
        method: 'PUT',
        headers: { 'if-match': etag },
        body: JSON.stringify({ activity: 'away', expiresIn: 60 }),
      });
    expect((await put()).status).toBe(200);
    expect(await problemOf(await put())).toBe('412 if-match');
  });
});
