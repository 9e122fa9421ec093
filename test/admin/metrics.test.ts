import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LagMeter } from '../../shim/admin/lag.ts';
import { metrics } from '../../shim/admin/metrics.ts';
import { type Admin, startAdmin } from '../../shim/admin/server.ts';
import { healthOf, type ShimStatus } from '../../shim/admin/status.ts';
import { show } from '../../shim/cli/status.ts';
import { quietPort } from '../support/port.ts';
import { SILENT } from '../support/product.ts';

const NOW = Date.UTC(2026, 10, 22, 10);

const STATUS: ShimStatus = {
  version: '0.1.0',
  site: 'office',
  pid: 42,
  startedAt: NOW - 90_000,
  now: NOW,
  draining: false,
  addresses: ['udp 127.0.0.1:5060'],
  hep: undefined,
  bindings: 3,
  calls: 1,
  transactions: 4,
  connections: 0,
  outbox: { pending: 2, oldest: NOW - 3000 },
  lease: 'held',
  disk: { failing: false, pending: 0 },
  deadlines: { transactions: NOW + 500, bindings: NOW + 60_000, calls: undefined, outbox: NOW },
  ghost: {
    ringing: 237_000,
    unacknowledged: 40_000,
    bye: 40_000,
    sessionTimer: 14_400_000,
    probed: 1_046_000,
    hardCap: 14_400_000,
    shimDead: 14_460_000,
  },
  counters: { element: { requests: 7, malformedAnswered: 1 }, network: { received: 9 } },
};

const USAGE = { cpu: { user: 1_500_000, system: 500_000 }, memory: { rss: 1000, heapUsed: 500 } };

function text(status: ShimStatus = STATUS): string {
  const lag = new LagMeter();
  lag.close();
  for (const seconds of [0.0005, 0.003, 0.02, 9]) lag.record(seconds);
  return metrics(status, healthOf(status, 120_000), lag.read(), USAGE);
}

describe('Offhook metrics', () => {
  it('are in the text format of Prometheus: each family with HELP and TYPE before its samples, no name twice', () => {
    let family = '';
    const seen = new Set<string>();
    const samples = new Set<string>();
    for (const line of text().trimEnd().split('\n')) {
      const help = /^# HELP (offhook_shim_[a-z0-9_]+) \S.*\.$/.exec(line);
      if (help) {
        family = help[1] as string;
        expect(seen.has(family)).toBe(false);
        seen.add(family);
        continue;
      }
      if (line.startsWith('#')) {
        expect(line).toMatch(new RegExp(`^# TYPE ${family} (gauge|counter|histogram)$`));
        continue;
      }
      expect(line).toMatch(/^[a-z0-9_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?\d+(\.\d+)?(e[+-]\d+)?$/);
      expect(line.startsWith(family)).toBe(true);
      const name = line.slice(0, line.lastIndexOf(' '));
      expect(samples.has(name)).toBe(false);
      samples.add(name);
    }
    expect(seen.size).toBeGreaterThan(15);
  });

  it.each([
    'offhook_shim_info{version="0.1.0",site="office"} 1',
    'offhook_shim_bindings 3',
    'offhook_shim_outbox_oldest_age_seconds 3',
    'offhook_shim_next_deadline_seconds{part="bindings"} 60',
    'offhook_shim_element_malformed_answered_total 1',
    '# TYPE offhook_shim_element_requests_total counter',
    'offhook_shim_cpu_seconds_total{mode="user"} 1.5',
    'offhook_shim_event_loop_lag_seconds_bucket{le="0.001"} 1',
    'offhook_shim_event_loop_lag_seconds_bucket{le="0.005"} 2',
    'offhook_shim_event_loop_lag_seconds_bucket{le="2.5"} 3',
    'offhook_shim_event_loop_lag_seconds_bucket{le="+Inf"} 4',
    'offhook_shim_event_loop_lag_seconds_count 4',
  ])('tell %s', (line) => {
    expect(text().split('\n')).toContain(line);
  });
});

describe('Offhook health', () => {
  it('is well while nothing fails', () => {
    expect(healthOf(STATUS, 120_000)).toEqual({ status: 'ok', problems: [] });
  });

  it('fails where the disk does, and where an update has waited too long', () => {
    expect(healthOf({ ...STATUS, disk: { failing: true, pending: 5 } }, 120_000)).toEqual({
      status: 'failing',
      problems: ['the disk fails: 5 rows wait to be written'],
    });
    expect(healthOf(STATUS, 3001).status).toBe('ok');
    expect(healthOf(STATUS, 3000)).toEqual({
      status: 'failing',
      problems: ['the Worker is not told: 2 updates wait, the oldest for 3 s'],
    });
  });

  it('says when the shim is about to end', () => {
    expect(healthOf({ ...STATUS, draining: true }, 120_000).status).toBe('draining');
  });
});

describe('Offhook status', () => {
  it('tells people what the shim holds, and what is due next', () => {
    expect(show({ ...STATUS, health: healthOf(STATUS, 3000) })).toBe(
      [
        'Offhook       0.1.0, site office, process 42, up 1m 30s',
        'Health        failing; the Worker is not told: 2 updates wait, the oldest for 3 s',
        'SIP           udp 127.0.0.1:5060',
        'Bindings      3, next in 1m',
        'Calls         1, nothing due',
        'Transactions  4, next in 500ms',
        'Connections   0',
        'Lease         in touch with the Worker',
        'Outbox        2 waiting, the oldest for 3s, next in 0ms',
        'Wrong states  last at most: a BYE is lost 40s; phones vanish 17m 26s',
        'Disk          well',
        '',
      ].join('\n'),
    );
  });

  it('tells where a shim takes mirrored traffic, and of no SIP where it takes none', () => {
    const passive = show({ ...STATUS, addresses: [], hep: '127.0.0.1:9060', health: healthOf(STATUS, 120_000) });
    expect(passive).toContain('\nHEP           127.0.0.1:9060\nBindings ');
    expect(passive).not.toContain('SIP');
  });
});

describe('Offhook admin server', () => {
  let admin: Admin;
  let folder: string;
  let now = STATUS;
  let base: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'offhook-admin-'));
    now = STATUS;
    const port = await quietPort();
    base = `http://127.0.0.1:${port}`;
    const parts = { status: () => now, outboxAge: () => 120_000, log: SILENT };
    admin = await startAdmin({ host: '127.0.0.1', port, stateDir: folder, ...parts });
  });
  afterEach(async () => {
    await admin.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('serves /metrics, /healthz and /status', async () => {
    const answer = await fetch(`${base}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toContain('offhook_shim_bindings 3\n');
    expect(await (await fetch(`${base}/healthz`)).json()).toEqual({ status: 'ok', problems: [] });
    expect(await (await fetch(`${base}/status`)).json()).toMatchObject({ site: 'office', health: { status: 'ok' } });
  });

  it('answers /healthz with 503 while something fails', async () => {
    now = { ...STATUS, disk: { failing: true, pending: 1 } };
    expect((await fetch(`${base}/healthz`)).status).toBe(503);
    now = STATUS;
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  });

  it('serves nothing else, and changes nothing', async () => {
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(`${base}/status`, { method: 'POST' })).status).toBe(405);
    expect(await (await fetch(`${base}/status`, { method: 'HEAD' })).text()).toBe('');
  });

  it('says which port it cannot have', async () => {
    const parts = { status: () => now, outboxAge: () => 0, log: SILENT, stateDir: undefined };
    await expect(startAdmin({ host: '127.0.0.1', port: admin.port as number, ...parts })).rejects.toThrow(
      /^cannot listen on HTTP 127\.0\.0\.1 port \d+ \(admin-port\): .*EADDRINUSE/,
    );
  });
});
