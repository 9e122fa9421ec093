import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Run, Runs } from '../support/offhook-process.ts';
import { quietPort } from '../support/port.ts';

let folder: string;
const runs = new Runs();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offhook-start-'));
});
afterEach(async () => {
  await runs.kill();
  await rm(folder, { recursive: true, force: true });
});

const start = (...args: string[]): Run => runs.begin(['start', '--state-dir', folder, ...args]);

/** Waits until it says that it runs; fails with what it said where it ends before. */
async function running(run: Run): Promise<{ url: string; curl: string; token: string; sip: string }> {
  const up = new Promise<void>((resolve) => run.child.stdout?.on('data', () => run.out.includes('Ctrl-C') && resolve()));
  if ((await Promise.race([up, run.ended])) !== undefined) throw new Error(run.err);
  const part = (pattern: RegExp) => pattern.exec(run.out)?.[1] as string;
  return {
    url: part(/Wallboard +(http:\S+?)\/#/),
    token: part(/Bearer (\S+)'/),
    curl: part(/curl .*' (http:\S+)/),
    sip: part(/SIP +(\S+) \(UDP, TCP\)/),
  };
}

describe('Offhook start', { timeout: 30_000 }, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('prints what works, and ends cleanly on %s', async (signal) => {
    const run = start('--http-port=0', '--sip-port=0', '--no-persistence');
    const { url, curl, token, sip } = await running(run);
    const answer = await fetch(curl, { headers: { authorization: `Bearer ${token}` } });
    expect([answer.status, await answer.json()]).toEqual([200, { users: [] }]);
    expect(await (await fetch(url)).text()).toContain('<title>Offhook</title>');
    const phone = createSocket('udp4');
    phone.bind(0, '127.0.0.1');
    await once(phone, 'listening');
    const [host, port] = sip.split(':') as [string, string];
    const head = `Via: SIP/2.0/UDP 127.0.0.1:${phone.address().port};branch=z9hG4bK1;rport\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\n`;
    const register = `REGISTER sip:127.0.0.1 SIP/2.0\r\n${head}To: <sip:a@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContact: <sip:a@127.0.0.1:${phone.address().port}>\r\nContent-Length: 0\r\n\r\n`;
    phone.send(register, Number(port), host);
    const [reply] = await once(phone, 'message');
    phone.close();
    expect(String(reply)).toMatch(/^SIP\/2\.0 200 /);
    run.child.kill(signal);
    expect(await run.ended).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('keeps secret and state over a restart, and refuses a second process on the same folder', async () => {
    const first = start('--http-port=0', '--sip-port=0');
    const { token } = await running(first);
    const second = start('--http-port=0', '--sip-port=0');
    expect(await second.ended).toBe(1);
    expect(second.err).toContain('in use by another offhook');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    const third = await running(start('--http-port=0', '--sip-port=0'));
    expect((await fetch(third.curl, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  });

  it('names a busy HTTP port, and ends with exit code 1', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const run = start(`--http-port=${port}`, '--sip-port=0');
    expect(await run.ended).toBe(1);
    other.close();
    expect(run.err).toBe(`offhook start: HTTP 127.0.0.1:${port}: port ${port} is in use by another program\n`);
  });

  it('names a busy SIP port, and ends with exit code 1 and without a Worker left', async () => {
    const port = await quietPort();
    const other = createSocket('udp4');
    other.bind(port, '127.0.0.1');
    await once(other, 'listening');
    const run = start('--http-port=0', `--sip-port=${port}`);
    expect(await run.ended).toBe(1);
    other.close();
    expect(run.err).toContain(
      `offhook start: cannot listen on udp 127.0.0.1 port ${port}: the address is in use by another program\n`,
    );
  });

  it('reports every bad setting before it touches anything, with exit code 2', async () => {
    const run = start('--http-port=x', '--t1=1h');
    expect(await run.ended).toBe(2);
    expect(run.err.trim().split('\n')).toHaveLength(2);
  });
});
