import type { Lag } from './lag.ts';
import type { Health, ShimStatus } from './status.ts';

/** What the process uses, as Node tells it: CPU in microseconds, memory in bytes. */
export interface Usage {
  readonly cpu: { readonly user: number; readonly system: number };
  readonly memory: { readonly rss: number; readonly heapUsed: number };
}

type Sample = readonly [suffix: string, labels: string, value: number];

/** The status as Prometheus reads it: text exposition format 0.0.4. */
export function metrics(status: ShimStatus, health: Health, lag: Lag, usage: Usage): string {
  const { outbox, disk, now, deadlines } = status;
  const families = [
    gauge('info', 'Which shim this is; always 1.', 1, `{version=${quoted(status.version)},site=${quoted(status.site)}}`),
    gauge('healthy', 'Whether /healthz says that all is well.', health.status === 'failing' ? 0 : 1),
    gauge('draining', 'Whether new calls are refused, as it is about to end.', status.draining ? 1 : 0),
    gauge('start_time_seconds', 'When it was started, seconds since 1970.', status.startedAt / 1000),
    gauge('bindings', 'Telephones registered.', status.bindings),
    gauge('calls', 'Calls followed.', status.calls),
    gauge('transactions', 'SIP transactions alive.', status.transactions),
    gauge('connections', 'Connections open (TCP and what runs over it).', status.connections),
    gauge('outbox_pending', 'Updates that the Worker has not yet given its verdict on.', outbox.pending),
    gauge(
      'outbox_oldest_age_seconds',
      'How long the oldest of them has waited; 0 where none waits.',
      outbox.oldest === undefined ? 0 : Math.max(0, now - outbox.oldest) / 1000,
    ),
    gauge('lease_held', 'Whether the Worker counts this site as in touch.', status.lease === 'held' ? 1 : 0),
    gauge('disk_failing', 'Whether writing to the state folder fails.', disk.failing ? 1 : 0),
    gauge('disk_pending_rows', 'Rows that wait to be written.', disk.pending),
    family(
      'next_deadline_seconds',
      'gauge',
      'In how many seconds each part next has something to do by itself.',
      Object.entries(deadlines).flatMap(([part, at]): Sample[] =>
        at === undefined ? [] : [['', `{part=${quoted(part)}}`, Math.max(0, at - now) / 1000]],
      ),
    ),
    family(
      'ghost_bound_seconds',
      'gauge',
      'How long a wrong state of a call can last at most, by what brought it about.',
      Object.entries(status.ghost).flatMap(([by, ms]): Sample[] =>
        ms === undefined ? [] : [['', `{by=${quoted(snake(by))}}`, ms / 1000]],
      ),
    ),
    ...counters(status),
    family('event_loop_lag_seconds', 'histogram', 'How late timers fire.', [
      ...lag.buckets.map(([bound, count]): Sample => ['_bucket', `{le="${bound}"}`, count]),
      ['_bucket', '{le="+Inf"}', lag.count],
      ['_sum', '', lag.sum],
      ['_count', '', lag.count],
    ]),
    family('cpu_seconds_total', 'counter', 'CPU time of the process.', [
      ['', '{mode="user"}', usage.cpu.user / 1e6],
      ['', '{mode="system"}', usage.cpu.system / 1e6],
    ]),
    gauge('resident_memory_bytes', 'Memory of the process.', usage.memory.rss),
    gauge('heap_used_bytes', 'JavaScript objects.', usage.memory.heapUsed),
  ];
  return families.join('');
}

/** Every number among the counters is one: `element.requests` becomes `offhook_shim_element_requests_total`. */
function counters(status: ShimStatus): string[] {
  return Object.entries(status.counters).flatMap(([part, totals]) =>
    Object.entries(totals).flatMap(([name, value]) =>
      typeof value !== 'number'
        ? []
        : [
            family(`${snake(part)}_${snake(name)}_total`, 'counter', `${words(part)}: ${words(name)}, since start.`, [
              ['', '', value],
            ]),
          ],
    ),
  );
}

function gauge(name: string, help: string, value: number, labels = ''): string {
  return family(name, 'gauge', help, [['', labels, value]]);
}

function family(name: string, type: 'gauge' | 'counter' | 'histogram', help: string, samples: readonly Sample[]): string {
  const full = `offhook_shim_${name}`;
  const lines = samples.map(([suffix, labels, value]) => `${full}${suffix}${labels} ${value}\n`);
  return lines.length === 0 ? '' : `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}

const snake = (name: string) => name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`).replace(/[^a-z0-9_]/g, '_');
const words = (name: string) => snake(name).replaceAll('_', ' ');
const quoted = (text: string) => JSON.stringify(text);
