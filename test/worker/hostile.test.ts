import { listDurableObjectIds } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import { TOKEN_LIMITS, type TokenClaims } from '../../worker/protocol/index.ts';
import { bearer, newDomain, newStream, okay, post, presence, problemOf, report, request, say, token } from './support/client.ts';
import { upgrade } from './support/watcher.ts';

const seconds = () => Math.floor(Date.now() / 1000);
const encode = (value: unknown) => base64url(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)));

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** A token of any header and payload, signed as well as can be with this secret. */
async function forge(header: unknown, payload: unknown, secret: string = env.OFFHOOK_SECRET): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['sign']);
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${base64url(new Uint8Array(await crypto.subtle.sign(algorithm, key, new TextEncoder().encode(text))))}`;
}

const GOOD: TokenClaims = { scope: ['admin'], domain: '*', iat: 1 };
const HEADER = { alg: 'HS256', typ: 'JWT' };

describe('Offhook hostile HTTP: tokens', () => {
  const claims = (more: object) => () => forge(HEADER, { ...GOOD, ...more });
  const table: [string, () => Promise<string> | string][] = [
    ['algorithm none, no signature', () => `${encode({ alg: 'none' })}.${encode(GOOD)}.`],
    ['algorithm none, signed', () => forge({ alg: 'none', typ: 'JWT' }, GOOD)],
    ['algorithm in other case', () => forge({ alg: 'hs256', typ: 'JWT' }, GOOD)],
    ['another algorithm', () => sign({ ...GOOD }, env.OFFHOOK_SECRET, 'HS384')],
    ['an asymmetric algorithm, signed with the secret', () => forge({ alg: 'RS256', typ: 'JWT' }, GOOD)],
    ['a critical extension (RFC 7515 4.1.11)', () => forge({ ...HEADER, crit: ['exp'] }, GOOD)],
    ['another type', () => forge({ ...HEADER, typ: 'at+jwt' }, GOOD)],
    ['an unknown kid', () => forge({ ...HEADER, kid: 'x' }, GOOD)],
    ['a kid of another type', () => forge({ ...HEADER, kid: { toString: 1 } }, GOOD)],
    ['a header that is a list', () => forge([], GOOD)],
    ['a header that is null', () => forge('null', GOOD)],
    ['another key', () => forge(HEADER, GOOD, 'another secret that is long enough')],
    ['an empty signature', async () => (await token()).replace(/[^.]+$/, '')],
    ['a truncated signature', async () => (await token()).slice(0, -2)],
    ['a longer signature', async () => `${await token()}AAAA`],
    ['a payload changed', async () => (await token()).replace(/\.[^.]+\./, `.${encode({ ...GOOD, iat: 2 })}.`)],
    ['four parts', async () => `${await token()}.x`],
    ['two parts', async () => (await token()).replace(/\.[^.]+$/, '')],
    ['a payload that is no JSON', () => forge(HEADER, '{')],
    ['a payload that is a list', () => forge(HEADER, [GOOD])],
    ['too long', claims({ more: 'x'.repeat(TOKEN_LIMITS.length) })],
    ['expired', claims({ exp: seconds() - 1 })],
    ['expired long ago, by an exponent', claims({ exp: -1e300 })],
    ['not good yet', claims({ nbf: seconds() + 60 })],
    ['made in the future', claims({ iat: seconds() + TOKEN_LIMITS.ahead + 60 })],
    ['no time when it was made', claims({ iat: undefined })],
    ['times as text', claims({ exp: '9999999999' })],
    ['a scope as text', claims({ scope: 'admin' })],
    ['a scope of other words', claims({ scope: ['admin', 'root'] })],
    ['no domain', claims({ domain: undefined })],
    ['an empty domain', claims({ domain: '' })],
    ['no domains', claims({ domain: [] })],
    ['too many domains', claims({ domain: Array.from({ length: TOKEN_LIMITS.domains + 1 }, (_, i) => `d${i}.test`) })],
    ['domains that are none', claims({ domain: [['*']] })],
    ['no users', claims({ users: [] })],
    ['users as text', claims({ users: 'sip:alice@example.com' })],
    ['users that are none', claims({ users: ['*'] })],
    ['too many users', claims({ users: Array.from({ length: TOKEN_LIMITS.users + 1 }, (_, i) => `u${i}@a.test`) })],
    ['an unknown detail level', claims({ detail: 'everything' })],
    ['a name of another type', claims({ jti: 1 })],
    ['a name that is too long', claims({ sub: 'x'.repeat(TOKEN_LIMITS.name + 1) })],
    ['claims of the prototype', () => forge(HEADER, '{"__proto__":{"scope":["admin"],"domain":"*","iat":1}}')],
    [
      'the prototype as constructor',
      () => forge(HEADER, '{"constructor":{"prototype":{"domain":"*"}},"scope":["admin"],"iat":1}'),
    ],
  ];

  it.each(table)('%s: refused, in the same words as any other', async (_, make) => {
    const authorization = `Bearer ${await make()}`;
    const objects = (await listDurableObjectIds(env.ACCESS)).length;
    for (const response of [
      await request('/v1/presence/sip:alice@example.com', { headers: { authorization } }),
      await upgrade('domain=example.com', {
        authorization: '',
        'sec-websocket-protocol': `offhook.v1, offhook.token.${authorization.slice(7)}`,
      }),
    ]) {
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringMatching(/^Bearer realm="offhook"/),
      ]);
      const { detail } = await response.json<{ detail: string }>();
      expect(['the token is not valid', 'a bearer token is needed']).toContain(detail);
    }
    expect((await listDurableObjectIds(env.ACCESS)).length).toBe(objects);
  });

  it('a good one is taken all the same: with kid absent, from a clock a little ahead, of either way', async () => {
    for (const made of [await token(), await forge(HEADER, GOOD), await forge(HEADER, { ...GOOD, iat: seconds() + 60 })])
      expect((await request('/v1/presence/sip:a@b.test', { headers: { authorization: `bearer ${made}` } })).status).toBe(404);
  });

  it('signatures are compared by crypto.subtle.verify and by nothing else', () => {
    const ours = import.meta.glob<string>('../../worker/**/*.ts', { query: '?raw', import: 'default', eager: true });
    const library = import.meta.glob<string>('../../node_modules/hono/dist/utils/jwt/jws.js', {
      query: '?raw',
      import: 'default',
      eager: true,
    });
    const texts = Object.entries({ ...ours, ...library });
    const comparing = texts.filter(
      ([path, text]) => path.includes('/worker/') && /signature\s*[!=]==?|[!=]==?\s*signature/.test(text),
    );
    expect(comparing.map(([path]) => path)).toEqual([]);
    const jws = texts.find(([path]) => path.endsWith('jws.js'))?.[1] ?? '';
    expect(jws).toMatch(/function verifying[^}]*crypto\.subtle\.verify\(/);
    // Secrets are read in one file, by which alone tokens are checked.
    const reading = texts.filter(([path, text]) => path.includes('/worker/') && /\.OFFHOOK_SECRET/.test(text));
    expect(reading.map(([path]) => path.replace(/^.*\/worker\//, ''))).toEqual(['routes/token.ts']);
  });
});

describe('Offhook hostile HTTP: bodies', () => {
  const batch = (updates: string) => `{"version":1,"site":"site-a","sentAt":${Date.now()},"updates":${updates}}`;

  it.each([
    ['lists, a hundred thousand deep', () => `${'['.repeat(100_000)}${']'.repeat(100_000)}`, '400'],
    ['objects, a hundred thousand deep', () => `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, '422 site'],
    ['a deep item', () => batch(`[${'['.repeat(50_000)}${']'.repeat(50_000)}]`), undefined],
    ['no JSON', () => '{', '400'],
    ['a number', () => '1', '400'],
    ['a text', () => '"x"', '400'],
    ['null', () => 'null', '400'],
    ['a list', () => '[]', '400'],
    ['nothing', () => '', '400'],
    ['updates of another type', () => batch('{"length":1}'), '422 updates'],
    ['a number that is none', () => batch('[]').replace(/"sentAt":\d+/, '"sentAt":1e999'), '422 sentAt'],
    ['a site of other characters', () => batch('[]').replace('site-a', 'site\\r\\nx'), '422 site'],
    ['only a prototype', () => '{"__proto__":{"version":1,"site":"a","sentAt":1,"updates":[]}}', '400 version'],
  ] as [string, () => string, string | undefined][])('%s', async (_, body, expected) => {
    const response = await post('/v1/updates', body().replace(/^(\{"a":)/, '{"version":1,"a":'));
    if (expected === undefined)
      expect((await okay<{ results: object[] }>(response)).results).toMatchObject([{ verdict: 'rejected' }]);
    else expect(await problemOf(response)).toBe(expected);
  });

  it('more bytes than the limit are refused, whether they are announced or not', async () => {
    const body = 'x'.repeat(1024 * 1024 + 1);
    expect(await problemOf(await post('/v1/updates', body))).toBe('413');
    const stream = new Blob([body]).stream();
    expect(await problemOf(await request('/v1/updates', { method: 'POST', body: stream }))).toBe('413');
  });

  it('keys of the prototype change nothing, here or for others', async () => {
    const alice = newStream('alice', newDomain());
    const update = JSON.stringify(alice.next(say.online()));
    const poisoned = `${update.slice(0, -1)},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`;
    const answer = await okay<{ results: object[] }>(await post('/v1/updates', batch(`[${poisoned}]`)));
    expect(answer.results).toMatchObject([{ verdict: 'accepted' }]);
    expect([({} as { polluted?: number }).polluted, JSON.stringify(await presence(alice.user))]).toEqual([
      undefined,
      expect.not.stringContaining('polluted'),
    ]);
  });

  it('of a key that is there twice the last counts, for what is checked and what is stored alike', async () => {
    const [mine, other] = [newStream('mine', 'own.test'), newStream('other', 'other.test')];
    const twice = (first: string, last: string) =>
      batch(`[{"user":"${first}",${JSON.stringify({ ...mine.next(say.online()), user: last }).slice(1)}]`);
    const headers = await bearer({ domain: 'own.test' });
    const refused = await okay<{ results: object[] }>(await post('/v1/updates', twice(mine.user, other.user), headers));
    expect(refused.results).toMatchObject([{ verdict: 'rejected', field: 'updates[0].user' }]);
    expect((await request(`/v1/presence/${other.user}`)).status).toBe(404);
  });

  it('bytes that are no UTF-8 name nobody, and are shown as what they are', async () => {
    const alice = newStream('alice', newDomain());
    const text = JSON.stringify(alice.next(say.online('sip:a@1', { userAgent: 'phone-XY' })));
    const broken = (place: string) => {
      const bytes = new TextEncoder().encode(batch(`[${text}]`));
      const at = new TextDecoder('latin1').decode(bytes).indexOf(place);
      bytes.set([0xc3, 0x28], at);
      return request('/v1/updates', { method: 'POST', body: bytes });
    };
    expect((await okay<{ results: object[] }>(await broken(alice.user.slice(4)))).results).toMatchObject([
      { verdict: 'rejected', field: 'updates[0].user' },
    ]);
    expect((await okay<{ results: object[] }>(await broken('XY'))).results).toMatchObject([{ verdict: 'accepted' }]);
    expect((await presence(alice.user)).terminals[0]?.userAgent).toBe('phone-\ufffd(');
  });
});

describe('Offhook hostile HTTP: names', () => {
  it.each([
    ['a Cyrillic a', '\u0430lice@example.com'],
    ['a full-width commercial at', 'alice\uff20example.com'],
    ['a Kelvin sign in the host', 'alice@\u212a.example.com'],
    ['a long s in the host', 'alice@example\u017f.com'],
    ['a dotless i in the host', 'alice@f\u0131.com'],
    ['a full-width host', 'alice@\uff45xample.com'],
    ['an ideographic full stop', 'alice@example\u3002com'],
    ['a zero-width joiner', 'al\u200dice@example.com'],
    ['a right-to-left override', '\u202ealice@example.com'],
    ['a combining accent', 'alice\u0301@example.com'],
    ['a line feed', 'alice\n@example.com'],
    ['CR and LF, and a header', 'alice@example.com\r\nx-injected: 1'],
    ['a null', 'alice\0@example.com'],
    ['a space', 'alice @example.com'],
  ])('%s names nobody', async (_, name) => {
    const response = await request(`/v1/presence/${encodeURIComponent(name)}`);
    expect(await problemOf(response)).toBe('400 user');
    expect([...response.headers.keys()]).not.toContain('x-injected');
    const [asked] = (await okay<{ users: object[] }>(await post('/v1/presence/query', { users: [name] }))).users;
    expect(asked).toMatchObject({ status: 400 });
    expect(await problemOf(await upgrade(`user=${encodeURIComponent(name)}`))).toBe('400 user');
  });

  it('one user by whatever way the name is written, and so one answer to who may read it', async () => {
    const headers = await bearer({ domain: 'own.test' });
    for (const name of [
      'sip:bob@other.test',
      'SIPS:bob@OTHER.test.',
      'bob:own.test@other.test',
      'bob@other.test;x=@own.test',
      '%62ob@other.test?@own.test',
    ])
      expect(await problemOf(await request(`/v1/presence/${encodeURIComponent(name)}`, { headers }))).toMatch(/^40[03]/);
    for (const name of ['bob@own.test@other.test', 'bob@other.test@own.test'])
      expect(await problemOf(await request(`/v1/presence/${encodeURIComponent(name)}`, { headers }))).toMatch(/^400/);
  });
});

describe('Offhook hostile HTTP: cursors', () => {
  const alice = async () => {
    const stream = newStream('alice', newDomain());
    await report([stream.next(say.online())]);
    return { user: stream.user, domain: stream.user.split('@')[1] as string };
  };

  it.each([
    ['no base64', '%%%', '400 cursor'],
    ['too long', 'A'.repeat(600), '400 cursor'],
  ])('of a listing: %s', async (_, cursor, expected) => {
    const { domain } = await alice();
    expect(await problemOf(await request(`/v1/domains/${domain}/presence?cursor=${encodeURIComponent(cursor)}`))).toBe(expected);
  });

  it("of a listing: somebody else's, or made up, begins elsewhere in the same domain and shows no other", async () => {
    const [one, other] = [await alice(), await alice()];
    for (const name of ['', other.user, "' OR 1=1 --", '\xff\xfe', 'sip:zzz']) {
      const cursor = btoa(name).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
      const response = await request(`/v1/domains/${one.domain}/presence?cursor=${cursor}`);
      const { users } = await okay<{ users: { user: string }[] }>(response);
      expect(users.every(({ user }) => user === one.user)).toBe(true);
    }
  });

  it.each(['0', '-1', '1e3', '99999999999999999', '1 OR 1=1', '__proto__', '%00'])('of a history: %s', async (cursor) => {
    const { user } = await alice();
    expect(await problemOf(await request(`/v1/presence/${user}/history?cursor=${cursor}`))).toBe('400 cursor');
  });
});
