import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dispatch } from '../../shim/cli/main.ts';
import { EXIT } from '../../shim/cli/terminal.ts';
import { Stream, words } from '../presence/support/site.ts';
import { Runs } from '../support/offhook-process.ts';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { until } from '../support/until.ts';

const say = words(Date.now);

let worker: RunningWorker;
beforeAll(async () => {
  worker = await startWorker();
}, 30_000);
const runs = new Runs();
afterAll(async () => {
  await runs.kill();
  await worker?.close();
});

/** Runs `offhook watch` in this process until `end` is called. */
function offhookWatch(args: readonly string[], env: Record<string, string>) {
  const ending = new AbortController();
  const said = { out: '', err: '' };
  const terminal = {
    env,
    out: (text: string) => {
      said.out += text;
    },
    err: (text: string) => {
      said.err += text;
    },
    ending: ending.signal,
  };
  const code = dispatch(['watch', ...args], terminal);
  return { said, code, end: () => ending.abort(), lines: () => said.out.split('\n').filter((line) => line !== '') };
}

async function report(updates: readonly unknown[]): Promise<void> {
  const response = await fetch(`${worker.url}/v1/updates`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await worker.token('ingest')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ version: 1, site: 'office', sentAt: Date.now(), updates }),
  });
  expect(response.status).toBe(200);
}

describe('Offhook watch on the command line', { timeout: 30_000 }, () => {
  it('prints who is what, then every change and deletion, and ends with the signal', async () => {
    const alice = new Stream('sip:alice@one.example', Date.now);
    await report([alice.next(say.online())]);
    const env = { OFFHOOK_TOKEN: await worker.token('read') };
    const watch = offhookWatch(['--url', worker.url, '--domain', 'one.example'], env);
    await until('alice', () => watch.lines().length === 1);
    await report([alice.next(say.talking('c1')), alice.next(say.idle('c1'))]);
    await until('her call', () => watch.lines().length === 3);
    const headers = { authorization: `Bearer ${await worker.token('admin')}` };
    await fetch(`${worker.url}/v1/presence/${alice.user}`, { method: 'DELETE', headers });
    await until('the deletion of her data', () => watch.lines().length === 4);
    watch.end();
    expect(await watch.code).toBe(EXIT.ok);
    expect(watch.lines().map((line) => line.replace(/^\S+Z {2}/, ''))).toEqual([
      'sip:alice@one.example  available',
      'sip:alice@one.example  talking  incoming sip:bob@example.com',
      'sip:alice@one.example  available',
      'sip:alice@one.example  deleted',
    ]);
  });

  it('goes on where it was when the Worker is killed and comes back, and prints nothing twice', async () => {
    const [alice, bob] = ['alice', 'bob'].map((name) => new Stream(`sip:${name}@two.example`, Date.now)) as [Stream, Stream];
    await report([alice.next(say.online()), bob.next(say.online())]);
    const env = { OFFHOOK_TOKEN: await worker.token('read') };
    const watch = offhookWatch(['--url', worker.url, '--user', `${alice.user},${bob.user}`, '--json'], env);
    await until('both', () => watch.lines().length === 2);
    const pid = worker.embedded.pid() as number;
    process.kill(pid, 'SIGKILL');
    await until('it notices', () => watch.said.err.includes('trying again'));
    await until(
      'another workerd',
      async () => worker.embedded.pid() !== pid && (await fetch(`${worker.url}/healthz`).catch(() => ({ ok: false }))).ok,
    );
    await report([alice.next(say.talking('c1'))]);
    await until('the change', () => watch.lines().length === 3, 20_000);
    watch.end();
    expect(await watch.code).toBe(EXIT.ok);
    expect(watch.said.err).toContain('connected again');
    const told = watch.lines().map((line) => JSON.parse(line) as { event: string; presence: { user: string; version: number } });
    expect(told.map(({ event, presence }) => `${event} ${presence.user} ${presence.version}`)).toEqual([
      expect.stringMatching(/^snapshot sip:(alice|bob)@two.example 1$/),
      expect.stringMatching(/^snapshot sip:(alice|bob)@two.example 1$/),
      'change sip:alice@two.example 2',
    ]);
  });

  it('ends without a word when whoever reads it has gone, as head does', async () => {
    const alice = new Stream('sip:alice@three.example', Date.now);
    await report([alice.next(say.online())]);
    const args = ['watch', '--url', worker.url, '--domain', 'three.example'];
    const watch = runs.begin(args, { env: { OFFHOOK_TOKEN: await worker.token('read') } });
    await until('alice', () => watch.out !== '');
    watch.child.stdout?.destroy();
    let ended = false;
    void watch.ended.then(() => {
      ended = true;
    });
    await until('it is told something and ends', async () => {
      await report([alice.next(say.talking('c1')), alice.next(say.idle('c1'))]);
      return ended;
    });
    expect([await watch.ended, watch.err]).toEqual([EXIT.ok, '']);
  });

  it('ends at once, with the reason, where the Worker refuses, and where it was asked wrongly', async () => {
    const wrong = offhookWatch(['--url', worker.url, '--domain', 'x.example'], { OFFHOOK_TOKEN: 'a.b.c' });
    expect([await wrong.code, wrong.said.err]).toEqual([
      EXIT.failed,
      'offhook watch: the Worker answers 401: the token is not valid\n',
    ]);
    const both = offhookWatch(['--domain', 'x.example', '--user', 'a@x.example'], { OFFHOOK_TOKEN: 'a.b.c' });
    expect([await both.code, await offhookWatch([], { OFFHOOK_TOKEN: 'a.b.c' }).code]).toEqual([EXIT.usage, EXIT.usage]);
    const nobody = offhookWatch(['--user', 'not an address'], {});
    expect([await nobody.code, nobody.said.err]).toEqual([EXIT.usage, expect.stringContaining('alice@example.com')]);
  });
});
