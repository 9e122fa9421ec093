import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Env } from '../../worker/env.ts';
import { accessObject } from '../../worker/objects/access.ts';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { inJurisdiction, jurisdictionOf, nameOf, siteObject, userObject } from '../../worker/objects/places.ts';

describe("Offhook objects' places", () => {
  it('name a user by a keyed hash, the same for ever, in which there is nothing of the address', () => {
    // Made by openssl: a name that changed would lose every user.
    expect(nameOf('sip:+12015550123@example.com', 'offhook')).toBe('rmID8XMFbYKMN1v1QyssbRGbzajI5iq8py4MF3duKQI');
    expect(nameOf('sip:+12015550123@example.com', 'another')).not.toBe(nameOf('sip:+12015550123@example.com', 'offhook'));
    expect(userObject(env, 'sip:alice@example.com').name).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('are named by the key of the moment, and those of many users by as many names', () => {
    const named = (user: string, key: string) => userObject({ ...env, OBJECT_NAME_KEY: key }, user).name;
    const users = Array.from({ length: OBJECT_LIMITS.namesKnown + 10 }, (_, n) => `sip:u${n}@example.com`);
    expect(new Set(users.map((user) => named(user, 'one'))).size).toBe(users.length);
    for (const user of users.slice(0, 3)) {
      for (const key of ['one', 'two', 'one']) expect(named(user, key)).toBe(nameOf(user, key));
    }
  });

  it('keep a domain in its jurisdiction, and no other', () => {
    const setting = 'example.de=eu  example.com=fedramp example.org=moon';
    expect(jurisdictionOf(setting, 'example.de')).toBe('eu');
    expect(jurisdictionOf(setting, 'example.com')).toBe('fedramp');
    expect(['example.org', 'a.example.de', 'e', ''].map((domain) => jurisdictionOf(setting, domain))).toEqual(
      Array(4).fill(undefined),
    );
    expect(jurisdictionOf(undefined, 'example.de')).toBe(undefined);
  });

  it('keep a site in its own, and by * all that is not named, the access object too', () => {
    const setting = 'example.de=eu site:office=eu *=fedramp *=moon';
    expect(
      ['example.de', 'site:office', 'site:shop', 'office', 'example.com'].map((name) => jurisdictionOf(setting, name)),
    ).toEqual(['eu', 'eu', 'fedramp', 'fedramp', 'fedramp']);
    const asked: string[] = [];
    const namespace = (where: string) => ({
      jurisdiction: (name: string) => namespace(name),
      getByName: (name: string) => asked.push(`${where} ${name}`),
    });
    const places = { SITE: namespace(''), ACCESS: namespace('') } as unknown as Pick<Env, 'SITE' | 'ACCESS'>;
    for (const JURISDICTIONS of [setting, 'example.de=eu', '']) {
      siteObject({ ...places, JURISDICTIONS }, 'office');
      accessObject({ ...places, JURISDICTIONS });
    }
    expect(asked).toEqual(['eu office', 'fedramp access', ' office', ' access', ' office', ' access']);
  });

  it('are all on this machine where workerd knows no jurisdictions', () => {
    expect(inJurisdiction(env.USER, 'eu')).toBe(env.USER);
  });

  it('let other errors through', () => {
    const broken = {
      jurisdiction: () => {
        throw new Error('no such jurisdiction');
      },
    };
    expect(() => inJurisdiction(broken as unknown as typeof env.USER, 'eu')).toThrow('no such jurisdiction');
  });
});
