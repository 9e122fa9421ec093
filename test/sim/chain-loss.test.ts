import { describe, expect, it } from 'vitest';
import type { Flow } from '../../shim/core/transport.ts';
import { VirtualNetwork, type VirtualParty } from '../support/virtual-network.ts';
import { VirtualPhone } from '../support/virtual-phone.ts';
import { VirtualDisk, VirtualShim } from '../support/virtual-shim.ts';
import { VirtualWorker } from '../support/virtual-worker.ts';

const at = (host: string) => ({ address: host, port: 5060 });
const MINUTE = 60_000;
const PROBE = { interval: 5 * MINUTE, tries: 3, retry: 10_000, underWay: 100 };

const KINDS = {
  ACK: /^ACK /,
  BYE: /^BYE /,
  '200 to INVITE': /^SIP\/2\.0 200 [\s\S]*\r\nCSeq: \d+ INVITE\r\n/,
  '200 to BYE': /^SIP\/2\.0 200 [\s\S]*\r\nCSeq: \d+ BYE\r\n/,
} as const;
type Kind = keyof typeof KINDS;

interface Modes {
  readonly talking: 'on-answer' | 'on-ack';
  readonly terminating: 'on-bye' | 'on-bye-answer';
}

/** FIG. 1's chain; of one kind of message, `count` copies do not arrive at one of its stations. */
function chain(modes: Modes, lost: { readonly kind: Kind; readonly host: string; readonly count: number }) {
  const network = new VirtualNetwork({ start: Date.UTC(2026, 10, 22, 10), conditions: { delay: [10, 10] } });
  const worker = new VirtualWorker();
  let left = lost.count;
  const deaf = (party: VirtualParty, host: string): VirtualParty => ({
    receive: (text: string, flow: Flow, now: number) =>
      host === lost.host && left > 0 && KINDS[lost.kind].test(text) && left-- > 0 ? [] : party.receive(text, flow, now),
    expire: (now) => party.expire(now),
    nextDeadline: () => party.nextDeadline(),
    transportError: (id, now) => party.transportError?.(id, now) ?? [],
  });
  const hosts = ['10.0.1.1', '10.0.2.1', '10.0.3.1'];
  for (const [i, host] of hosts.entries()) {
    const next = hosts[i + 1];
    const upstream = next === undefined ? undefined : { transport: 'udp' as const, host: next, port: 5060 };
    const shim = new VirtualShim(
      {
        ...{ site: `s${i + 1}`, address: at(host), domains: [`s${i + 1}.example`], worker, fate: () => 'well' as const },
        chance: () => 0.5,
        element: (s) => ({
          ...s,
          upstream,
          presence: { ...s.presence, tracker: { ...s.presence.tracker, ...modes, probe: PROBE } },
        }),
      },
      new VirtualDisk(),
      network.now,
    );
    network.attach(deaf(shim, host), at(host));
  }
  const phone = (user: string, domain: string, host: string, shim: string) => {
    const one = new VirtualPhone({
      ...{ user, domain, address: at(host), shim: at(shim), expires: 3600, answers: 200, delayedOffer: false },
    });
    const end = network.attach(deaf(one, host), at(host));
    end.perform(one.register(network.now));
    return { one, end };
  };
  const a = phone('a', 's1.example', '10.0.1.2', '10.0.1.1');
  phone('b', 's3.example', '10.0.3.2', '10.0.3.1');
  network.advance(100);
  a.end.perform(a.one.call('sip:b@s3.example', network.now, { talk: 20_000, patience: 15_000 }));
  const status = (user: string) => worker.document(user, network.now)?.callStatus;
  return {
    advance: (ms: number) => network.advance(ms),
    both: () => [status('sip:a@s1.example'), status('sip:b@s3.example')],
  };
}

const STATIONS = ['10.0.1.1', '10.0.2.1', '10.0.3.1', '10.0.1.2', '10.0.3.2'];
const MODES = (['on-answer', 'on-ack'] as const).flatMap((talking) =>
  (['on-bye', 'on-bye-answer'] as const).map((terminating) => ({ talking, terminating })),
);

describe('FIG. 3, 4, 5, 6 a chain that loses a message', () => {
  const cases = MODES.flatMap((modes) => (Object.keys(KINDS) as Kind[]).map((kind) => ({ ...modes, kind })));

  it.each(cases)('$talking, $terminating: a lost $kind changes no state for long', ({ kind, ...modes }) => {
    for (const host of STATIONS) {
      const c = chain(modes, { kind, host, count: 1 });
      c.advance(8000);
      expect([host, ...c.both()]).toEqual([host, 'talking', 'talking']);
      c.advance(60_000);
      expect([host, ...c.both()]).toEqual([host, 'idle', 'idle']);
    }
  });

  it.each(cases)(
    '$talking, $terminating: where every $kind is lost, all is right within the stated bound',
    ({ kind, ...modes }) => {
      for (const host of STATIONS) {
        const c = chain(modes, { kind, host, count: Number.POSITIVE_INFINITY });
        c.advance(20_000 + 5 * MINUTE + 3 * 32_000 + 2 * 10_000 + 60_000);
        expect([host, ...c.both()]).toEqual([host, 'idle', 'idle']);
      }
    },
  );
});
