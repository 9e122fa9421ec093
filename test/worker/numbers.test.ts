import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { NUMBER_DOMAIN, type PresenceDocument } from '../../worker/protocol/index.ts';
import { Stream } from '../presence/support/site.ts';
import { bearer, okay, presence, problemOf, report, request, say } from './support/client.ts';
import { userObject } from './support/objects.ts';

/** A number that no other test uses. */
const number = () => `+999${crypto.getRandomValues(new Uint32Array(1))[0]}`;
const online = (user: string) => report([new Stream(user, Date.now).next(say.online())]);

describe('RFC 3966 users named by telephone numbers', () => {
  it('are one user however the number is written, after an eviction too', async () => {
    const digits = number();
    await online(`tel:${digits};tgrp=trunk`);
    await evictDurableObject(userObject(`tel:${digits}`));
    const spelled = `tel:${digits.slice(0, 4)}-(${digits.slice(4)})`;
    for (const name of [`tel:${digits}`, spelled, encodeURIComponent(spelled), `TEL:${digits}`]) {
      expect(await okay(await request(`/v1/presence/${name}`))).toMatchObject({ user: `tel:${digits}`, status: 'available' });
    }
  });

  it('belong to a domain with user=phone, or with its phone-context', async () => {
    const digits = number();
    await online(`sip:${digits}@example.com`);
    const user = `sip:${digits}@example.com`;
    expect((await presence(`sip:${digits.slice(0, 4)}-${digits.slice(4)}@example.com;user=phone`)).user).toBe(user);
    const local = digits.slice(1);
    await online(`tel:${local};phone-context=example.com`);
    expect((await presence(`sip:${local}@example.com`)).user).toBe(`sip:${local}@example.com`);
  });

  it('are listed, and covered by tokens, under a domain of their own', async () => {
    const digits = number();
    await online(`tel:${digits}`);
    const page = await okay<{ users: PresenceDocument[] }>(await request(`/v1/domains/${NUMBER_DOMAIN}/presence?limit=500`));
    expect(page.users.map(({ user }) => user)).toContain(`tel:${digits}`);
    const other = await request(`/v1/presence/tel:${digits}`, {
      headers: await bearer({ scope: ['read'], domain: 'example.com' }),
    });
    expect(await problemOf(other)).toBe('403');
    const own = await request(`/v1/presence/tel:${digits}`, {
      headers: await bearer({ scope: ['read'], domain: NUMBER_DOMAIN }),
    });
    expect(own.status).toBe(200);
  });
});
