import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Run, Runs } from '../support/offhook-process.ts';
import { quietPort } from '../support/port.ts';
import { requestText } from '../support/sip-text.ts';
import { until } from '../support/until.ts';

let folder: string;
const runs = new Runs();
let phone: Socket;
let worker: Server;
/** Requests that the Worker was sent. */
let told: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offhook-operation-'));
  told = [];
  phone = createSocket('udp4');
  phone.bind(0, '127.0.0.1');
  await once(phone, 'listening');
  worker = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      told.push(body);
      const { updates = [] } = JSON.parse(body) as { updates: { sequence: number }[] };
      const results = updates.map(({ sequence }) => ({ sequence, verdict: 'accepted', version: 1 }));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ results }));
    });
  });
  worker.listen(0, '127.0.0.1');
  await once(worker, 'listening');
});
afterEach(async () => {
  await runs.kill();
  phone.close();
  worker.closeAllConnections();
  worker.close();
  await rm(folder, { recursive: true, force: true });
});

const offhook = (...args: string[]): Run => runs.begin(args, { cwd: folder, env: { OFFHOOK_TOKEN: 'a.b.c' } });

/** A shim that reads offhook.toml of its working directory; resolves with where it takes SIP once it does. */
async function shim(toml: string): Promise<Run & { sip: number }> {
  await writeFile(join(folder, 'offhook.toml'), toml);
  const run = offhook('shim');
  const sip = await until(
    'the shim listens',
    () => /^SIP [\d.]+:(\d+)/m.exec(run.out)?.[1] ?? (run.child.exitCode !== null && run.err),
  );
  if (!/^\d+$/.test(sip)) throw new Error(run.err);
  return Object.assign(run, { sip: Number(sip) });
}

const url = () => `http://127.0.0.1:${(worker.address() as { port: number }).port}`;

function toml(more: string, { domain = 'example.com', admin = 0, workerUrl = url() } = {}): string {
  return `[addresses]\nsip-port = 0\ndomains = ["${domain}"]\n[operation]\nadmin-port = ${admin}\n[worker]\nworker-url = "${workerUrl}"\n${more}`;
}

let cseq = 0;

/** The status that a request of the phone is answered with. */
async function ask(to: { sip: number }, method: string, domain: string): Promise<number> {
  const { port } = phone.address();
  const text = requestText(method, {
    uri: method === 'REGISTER' ? `sip:${domain}` : `sip:bob@${domain}`,
    via: `SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKop${++cseq}`,
    from: `<sip:bob@${domain}>;tag=a`,
    to: `<sip:bob@${domain}>`,
    callId: `op-${method}`,
    cseq,
    headers: [`Contact: <sip:bob@127.0.0.1:${port}>`],
  });
  phone.send(text, to.sip, '127.0.0.1');
  for (;;) {
    const [reply] = await once(phone, 'message');
    const [, status] = /^SIP\/2\.0 (\d+) /.exec(String(reply)) ?? [];
    if (status !== undefined && status !== '100') return Number(status);
  }
}

describe('Offhook reload (SIGHUP)', { timeout: 30_000 }, () => {
  it('serves what the file says by now, keeps what was there, and names what needs a restart', async () => {
    const run = await shim(toml(''));
    expect(await ask(run, 'REGISTER', 'example.com')).toBe(200);
    expect(await ask(run, 'REGISTER', 'example.org')).not.toBe(200);
    await writeFile(join(folder, 'offhook.toml'), toml('[state]\nstate-dir = "elsewhere"', { domain: 'example.org' }));
    run.child.kill('SIGHUP');
    await until('it has read the file', () => run.err.includes('need a restart'));
    expect(run.err).toContain('info configuration read again changed=domains\n');
    expect(run.err).toContain('warn some settings need a restart to take effect settings=state-dir\n');
    expect(await ask(run, 'REGISTER', 'example.org')).toBe(200);
    expect(run.child.exitCode).toBe(null);
  });

  it('changes nothing where anything is wrong, and logs all of it', async () => {
    const run = await shim(toml(''));
    await writeFile(join(folder, 'offhook.toml'), toml('[registrar]\nt1 = 1\nmin-expires = "x"', { domain: 'example.org' }));
    run.child.kill('SIGHUP');
    await until('it has read the file', () => run.err.includes('min-expires'));
    expect(run.err.match(/error the configuration stays as it was problem="offhook\.toml:\d+:1: registrar/g)).toHaveLength(2);
    expect(await ask(run, 'REGISTER', 'example.com')).toBe(200);
    expect(await ask(run, 'REGISTER', 'example.org')).not.toBe(200);
  });
});

describe('Offhook drain (SIGTERM)', { timeout: 30_000 }, () => {
  it('refuses new calls while one rings, lets that be answered, and ends with exit code 0', async () => {
    const run = await shim(toml(''));
    expect(await ask(run, 'REGISTER', 'example.com')).toBe(200);
    // The phone calls itself: the INVITE comes back to it, and is not answered yet.
    const invited = new Promise<string>((resolve) => {
      const look = (data: Buffer) => {
        if (!String(data).startsWith('INVITE ')) return;
        phone.off('message', look);
        resolve(String(data));
      };
      phone.on('message', look);
    });
    const answered = ask(run, 'INVITE', 'example.com');
    const invite = await invited;
    run.child.kill('SIGTERM');
    await until('it drains', async () => (await status()).out.includes('Health        draining'));
    const head = invite.split('\r\n').filter((line) => /^(Via|From|Call-ID|CSeq|Record-Route)/.test(line));
    const answer = ['SIP/2.0 486 Busy Here', ...head, 'To: <sip:bob@example.com>;tag=b', 'Content-Length: 0', '', ''].join(
      '\r\n',
    );
    phone.send(answer, run.sip, '127.0.0.1');
    expect(await answered).toBe(486);
    expect(await run.ended).toBe(0);
  });

  it('tells the Worker the last before it ends', async () => {
    const run = await shim(toml(''));
    expect(await ask(run, 'REGISTER', 'example.com')).toBe(200);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(told.join()).toContain('sip:bob@example.com');
  });

  it('does not wait for a Worker that cannot be reached', async () => {
    const gone = `http://127.0.0.1:${await quietPort()}`;
    const run = await shim(toml('', { workerUrl: gone }).replace('[operation]', '[operation]\ndrain-timeout = "10m"'));
    expect(await ask(run, 'REGISTER', 'example.com')).toBe(200);
    await until('it has failed once', () => run.err.includes('the Worker could not be told'));
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
  });
});

async function status(...args: string[]) {
  const run = offhook('status', ...args);
  return { code: await run.ended, out: run.out, err: run.err };
}

describe('Offhook status', { timeout: 30_000 }, () => {
  it('asks the shim of the state folder, and says so where none runs', async () => {
    expect(await status()).toEqual({
      code: 1,
      out: '',
      err: 'offhook status: no shim runs in the state folder .offhook (--state-dir or --admin-port name another)\n',
    });
    const run = await shim(toml(''));
    expect(await ask(run, 'REGISTER', 'example.com')).toBe(200);
    const asked = await status();
    expect([asked.code, asked.err]).toEqual([0, '']);
    expect(asked.out).toMatch(/^Bindings {6}1, next in \d/m);
    expect(JSON.parse((await status('--json')).out)).toMatchObject({ bindings: 1, health: { status: 'ok' }, pid: run.child.pid });
    run.child.kill('SIGKILL');
    await run.ended;
    expect(await status()).toMatchObject({
      code: 1,
      err: 'offhook status: no shim answers in the state folder .offhook: it does not run\n',
    });
  });

  it('is served with /metrics and /healthz at the port that is set, and tells of a Worker that is not told', async () => {
    const admin = await quietPort();
    const run = await shim(
      toml('', { admin, workerUrl: `http://127.0.0.1:${await quietPort()}` }).replace(
        '[operation]',
        '[operation]\nhealth-outbox-age = 1',
      ),
    );
    expect((await fetch(`http://127.0.0.1:${admin}/healthz`)).status).toBe(200);
    expect(await ask(run, 'REGISTER', 'example.com')).toBe(200);
    const failing = await until('/healthz fails', async () => {
      const answer = await fetch(`http://127.0.0.1:${admin}/healthz`);
      return answer.status === 503 && (await answer.text());
    });
    expect(failing).toContain('the Worker is not told: 1 updates wait');
    expect(await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()).toMatch(/^offhook_shim_bindings 1$/m);
    expect((await status()).code).toBe(1);
  });
});
