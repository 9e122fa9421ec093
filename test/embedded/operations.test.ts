import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS, type Scope } from '#protocol';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { type Asked, Asker } from './asking.ts';
import { type Case, EXERCISES, type Exercise } from './exercises.ts';
import { makeScene, type Scene } from './scene.ts';

let worker: RunningWorker;
let asker: Asker;
let scene: Scene;

beforeAll(async () => {
  worker = await startWorker(undefined, undefined, ['WEBHOOK_ALLOW_PRIVATE=on']);
  asker = await Asker.of(worker.url, (...scopes: Scope[]) => worker.token(...scopes));
  scene = await makeScene(asker);
}, 30_000);
afterAll(async () => {
  scene?.close();
  await worker?.close();
});

const TOO_LARGE = 'x'.repeat(LIMITS.batchBytes + 1);

/** How a good request is spoilt, so that a problem is answered which several operations have. */
const SPOILT: Readonly<Record<string, (asked: Asked, scope: Scope | undefined) => Asked>> = {
  'no-token': (asked) => ({ ...asked, scopes: [] }),
  'invalid-token': (asked) => ({ ...asked, headers: { ...asked.headers, authorization: 'Bearer x' } }),
  'missing-scope': (asked, scope) => ({ ...asked, scopes: [scope === 'read' ? 'write' : 'read'] }),
  'unknown-parameter': (asked) => ({ ...asked, query: `${asked.query ?? ''}&nonsense=1` }),
  'bad-user': (asked) =>
    asked.path === undefined ? { ...asked, query: 'user=nonsense' } : { ...asked, path: { user: 'nonsense' } },
  'bad-domain': (asked) =>
    asked.path === undefined ? { ...asked, query: 'domain=a%20b' } : { ...asked, path: { domain: 'a b' } },
  'no-such-webhook': (asked) => ({ ...asked, path: { id: 'whk_nothing' } }),
  'not-json': (asked) => ({ ...asked, body: '{' }),
  'body-too-large': (asked) => ({ ...asked, body: TOO_LARGE }),
};

/** What an operation is asked before anything else. */
function common(id: string, asked: Asked): Case[] {
  const scope = asker.scopeOf(id);
  const kinds = asker.problemsOf(id).filter((kind) => SPOILT[kind] !== undefined);
  return kinds.map((kind) => [kind, () => SPOILT[kind]?.(asked, scope) ?? asked]);
}

async function results(id: string, cases: readonly Case[]): Promise<(number | string)[]> {
  const all: (number | string)[] = [];
  for (const [, asked] of cases) {
    const { status, kind } = await asker.ask(id, asked(scene));
    all.push(kind ?? status);
  }
  return all;
}

const expected = (cases: readonly Case[]) => cases.map(([what]) => what);

describe('Offhook OpenAPI document, held to by a running Worker', { timeout: 20_000 }, () => {
  it('has an exercise for each operation, and for no other', () => {
    expect(Object.keys(EXERCISES).toSorted()).toEqual(asker.operations.toSorted());
    for (const [id, { good, bad }] of Object.entries(EXERCISES))
      expect([good.length > 0, bad.length > 0], id).toEqual([true, true]);
  });

  it.each(Object.entries(EXERCISES))(
    '%s: answers as declared, when asked well and badly',
    async (id: string, exercise: Exercise) => {
      const { good, bad, more } = exercise;
      const first = good[0] as Case;
      const without = common(id, first[1](scene));
      expect(await results(id, [...without, ...bad])).toEqual(expected([...without, ...bad]));
      expect(await results(id, good)).toEqual(expected(good));
      await more?.(asker, scene);
    },
  );
});
