import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { verifyWebhook } from '../../worker/client/index.ts';

const secretOf = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
const [ONE, TWO, OTHER] = [secretOf(1), secretOf(2), secretOf(3)] as [string, string, string];
const AT = 1_795_510_577;
const BODY = JSON.stringify({ type: 'webhook.test', timestamp: '2026-11-24T09:00:00.000Z', data: { webhook: 'é' } });

/** Headers as the library of the specification signs them. */
function signed(secrets: readonly string[], body = BODY, at = AT): Record<string, string> {
  const signatures = secrets.map((secret) => new Webhook(secret).sign('msg_1', new Date(at * 1000), body));
  return { 'webhook-id': 'msg_1', 'webhook-timestamp': String(at), 'webhook-signature': signatures.join(' ') };
}

const options = { now: AT * 1000 };

describe('Offhook webhooks by the Standard Webhooks specification: verification by the client', () => {
  it('takes what the library of the specification signs, as text and bytes, with headers of either kind', async () => {
    const good = { ok: true, id: 'msg_1', event: JSON.parse(BODY) };
    for (const body of [BODY, new TextEncoder().encode(BODY), Buffer.from(BODY)]) {
      for (const headers of [signed([ONE]), new Headers(signed([ONE]))]) {
        expect(await verifyWebhook(ONE, headers, body, options)).toEqual(good);
      }
    }
  });

  it('one good signature by one of several secrets is enough, in whatever order', async () => {
    expect(await verifyWebhook([OTHER, ONE], signed([TWO, ONE]), BODY, options)).toMatchObject({ ok: true });
    expect(await verifyWebhook([TWO], signed([TWO, ONE]), BODY, options)).toMatchObject({ ok: true });
    expect(await verifyWebhook([OTHER], signed([TWO, ONE]), BODY, options)).toEqual({ ok: false, reason: 'signature' });
  });

  it('refuses each part that was changed, and what is signed in another way', async () => {
    const headers = signed([ONE]);
    const refused = { ok: false, reason: 'signature' };
    expect(await verifyWebhook(ONE, headers, `${BODY} `, options)).toEqual(refused);
    expect(await verifyWebhook(ONE, { ...headers, 'webhook-id': 'msg_2' }, BODY, options)).toEqual(refused);
    expect(await verifyWebhook(ONE, { ...headers, 'webhook-timestamp': String(AT + 1) }, BODY, options)).toEqual(refused);
    for (const signature of ['', 'v1,', 'v1,!', `v2,${headers['webhook-signature']?.slice(3)}`, 'v1,AAAA']) {
      expect((await verifyWebhook(ONE, { ...headers, 'webhook-signature': signature }, BODY, options)).ok).toBe(false);
    }
    for (const name of Object.keys(headers)) {
      expect(await verifyWebhook(ONE, { ...headers, [name]: undefined }, BODY, options)).toEqual({
        ok: false,
        reason: 'headers',
      });
    }
    expect(await verifyWebhook(ONE, signed([ONE], 'no JSON'), 'no JSON', options)).toEqual({ ok: false, reason: 'body' });
  });

  it('refuses what is older or newer than the tolerance, to the second', async () => {
    const at = (seconds: number, tolerance?: number) =>
      verifyWebhook(ONE, signed([ONE]), BODY, { now: (AT + seconds) * 1000, ...(tolerance === undefined ? {} : { tolerance }) });
    expect((await at(300)).ok && (await at(-300)).ok).toBe(true);
    expect([await at(301), await at(-301)]).toEqual([
      { ok: false, reason: 'too-old' },
      { ok: false, reason: 'too-new' },
    ]);
    expect(await at(11, 10)).toEqual({ ok: false, reason: 'too-old' });
  });

  it('a secret that is none is a mistake of the program', async () => {
    for (const secret of ['', 'secret', 'whsec_', 'whsec_!']) {
      await expect(verifyWebhook(secret, signed([ONE]), BODY, options)).rejects.toThrow(TypeError);
    }
    await expect(verifyWebhook([], signed([ONE]), BODY, options)).resolves.toEqual({ ok: false, reason: 'signature' });
  });
});
