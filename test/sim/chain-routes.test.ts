import { describe, expect, it } from 'vitest';
import type { ElementSettings } from '../../shim/core/element/element.ts';
import { VirtualNetwork } from '../support/virtual-network.ts';
import { VirtualPbx } from '../support/virtual-pbx.ts';
import { type PhoneSettings, VirtualPhone } from '../support/virtual-phone.ts';
import { VirtualDisk, VirtualShim } from '../support/virtual-shim.ts';
import { VirtualWorker } from '../support/virtual-worker.ts';

const at = (host: string) => ({ address: host, port: 5060 });
const to = (host: string) => ({ transport: 'udp' as const, host, port: 5060 });
const [S1, S2, S3, PBX] = ['10.0.1.1', '10.0.2.1', '10.0.3.1', '10.0.1.9'] as const;

type Placing = Partial<ElementSettings['placing']> & { upstream?: ElementSettings['upstream'] };

/** FIG. 1 with next hops of single domains: A's domain is s1.example, B's s3.example; the middle has users of its own domain, none registered. */
function scene(placings: Record<string, Placing>) {
  const network = new VirtualNetwork({ start: Date.UTC(2026, 10, 22, 10), conditions: { delay: [10, 10] } });
  const worker = new VirtualWorker();
  const shims = Object.entries(placings).map(([host, { upstream, ...placing }], i) => {
    const domains = [`s${i + 1}.example`, ...(placing.aliases?.keys() ?? [])];
    const shim = new VirtualShim(
      {
        ...{ site: `s${i + 1}`, address: at(host), domains, worker, fate: () => 'well', chance: () => 0.5 },
        element: (s) => ({ ...s, upstream, placing: { ...s.placing, ...placing } }),
      },
      new VirtualDisk(),
      network.now,
    );
    network.attach(shim, at(host));
    return shim;
  });
  const phone = (user: string, domain: string, host: string, shim: string, more: Partial<PhoneSettings> = {}) => {
    const settings = {
      user,
      domain,
      address: at(host),
      shim: at(shim),
      expires: 3600,
      answers: 200,
      delayedOffer: false,
      ...more,
    };
    const one = new VirtualPhone(settings);
    const end = network.attach(one, one.settings.address);
    return { one, end, register: () => end.perform(one.register(network.now)) };
  };
  const a = phone('a', 's1.example', '10.0.1.2', S1);
  const b = phone('b', 's3.example', '10.0.3.2', S3);
  return {
    ...{ network, worker, shims, a, b },
    ready() {
      a.register();
      b.register();
      network.advance(200);
      worker.history.length = 0;
    },
    /** `a talking by s1`, in the order in which the Worker was told, of a whole call. */
    call(from: typeof a, uri: string) {
      from.end.perform(from.one.call(uri, network.now, { talk: 10_000, patience: 9000 }));
      network.advance(60_000);
      expect(shims.flatMap((shim) => shim.defects)).toEqual([]);
      return worker.history
        .splice(0)
        .map((h) => `${h.user.slice(4, 5)} ${h.callStatus}${h.cause.by === 'update' ? ` by ${h.cause.site}` : ''}`)
        .filter((line) => !/ringing|calling|idle/.test(line));
    },
    silent: (n: number) => shims[n]?.element.presence.outbox.counters.added === 0,
  };
}

const A_FIRST = ['b talking by s3', 'a talking by s1', 'a terminating by s1', 'b terminating by s3'];
const B_FIRST = ['a talking by s1', 'b talking by s3', 'b terminating by s3', 'a terminating by s1'];

describe('FIG. 1 a chain of session control servers with next hops of single domains', () => {
  const closed = () =>
    scene({
      [S1]: { routes: new Map(['s3.example', 'old3.example'].map((d) => [d, to(S2)])), trustedPeers: [S2] },
      [S2]: {
        routes: new Map([['s1.example', to(S1)], ...['s3.example', 'old3.example'].map((d) => [d, to(S3)] as const)]),
        trustedPeers: [S1, S3],
      },
      [S3]: {
        routes: new Map([['s1.example', to(S2)]]),
        trustedPeers: ['10.0.2.0/24'],
        aliases: new Map([['old3.example', 's3.example']]),
        numbers: [{ number: '+4933', prefix: false, user: 'b', domain: 's3.example' }],
      },
    });

  it.each([
    ['by his name', 'sip:b@s3.example'],
    ['under an alias of his domain', 'sip:b@old3.example'],
    ['by his number', 'sip:+4933@s3.example;user=phone'],
  ])('A calls B %s: each end tells of its own user, the middle of nobody', (_, uri) => {
    const s = closed();
    s.ready();
    expect(s.call(s.a, uri)).toEqual(A_FIRST);
    expect(s.silent(1)).toBe(true);
  });

  it('B calls A the other way', () => {
    const s = closed();
    s.ready();
    expect(s.call(s.b, 'sip:a@s1.example')).toEqual(B_FIRST);
    expect(s.silent(1)).toBe(true);
  });

  it('a domain for which there is no next hop is refused', () => {
    const s = closed();
    s.ready();
    expect(s.call(s.a, 'sip:x@nowhere.example')).toEqual([]);
    expect(s.a.one.calls.map((call) => call.state)).toEqual(['over']);
  });
});

describe('FIG. 1 a chain with a PBX at one end, before which the first server stands', () => {
  const mixed = () => {
    const s = scene({
      [S1]: { mode: 'edge', upstream: to(PBX) },
      [S2]: {
        routes: new Map([
          ['s1.example', to(PBX)],
          ['s3.example', to(S3)],
        ]),
        trustedPeers: [PBX, S3],
      },
      [S3]: { upstream: to(S2) },
    });
    const pbx = new VirtualPbx({ domain: 's1.example', address: at(PBX), path: true, grants: 3600, trunk: at(S2) });
    s.network.attach(pbx, at(PBX));
    s.ready();
    return s;
  };

  it('A calls B through the PBX, the middle and the far end', () => {
    const s = mixed();
    expect(s.call(s.a, 'sip:b@s3.example')).toEqual(A_FIRST);
    expect(s.silent(1)).toBe(true);
  });

  it('B calls A the other way', () => {
    const s = mixed();
    expect(s.call(s.b, 'sip:a@s1.example')).toEqual(B_FIRST);
    expect(s.silent(1)).toBe(true);
  });
});

describe('FIG. 1 a chain with a PBX at both ends, before each of which a server stands', () => {
  const FAR = '10.0.3.9';
  const both = (middle: boolean) => {
    const s = scene({
      [S1]: { mode: 'edge', upstream: to(PBX) },
      [S2]: {
        routes: new Map([
          ['s1.example', to(PBX)],
          ['s3.example', to(FAR)],
        ]),
        trustedPeers: [PBX, FAR],
      },
      [S3]: { mode: 'edge', upstream: to(FAR) },
    });
    const pbx = (domain: string, host: string, peer: string) => {
      const one = new VirtualPbx({ domain, address: at(host), path: true, grants: 3600, trunk: at(middle ? S2 : peer) });
      s.network.attach(one, at(host));
      return one;
    };
    const pbxs = [pbx('s1.example', PBX, FAR), pbx('s3.example', FAR, PBX)];
    s.ready();
    return { ...s, pbxs };
  };

  describe.each([
    ['with nothing between the two', false],
    ['with a server in the middle', true],
  ])('%s', (_, middle) => {
    it('A calls B: four legs or more, and each end tells of its own user once', () => {
      const s = both(middle);
      expect(s.call(s.a, 'sip:b@s3.example')).toEqual(A_FIRST);
      expect(s.silent(1)).toBe(true);
      expect(s.pbxs.map(({ bridges }) => bridges.length)).toEqual([1, 1]);
      expect(s.shims.map(({ element }) => element.presence.tracker.calls.size)).toEqual([0, 0, 0]);
    });

    it('B calls A the other way', () => {
      const s = both(middle);
      expect(s.call(s.b, 'sip:a@s1.example')).toEqual(B_FIRST);
      expect(s.silent(1)).toBe(true);
    });

    it('the callee hangs up, and both ends are told', () => {
      const s = both(middle);
      s.a.end.perform(s.a.one.call('sip:b@s3.example', s.network.now, { talk: 60_000, patience: 9000 }));
      s.network.advance(5000);
      const [call] = s.b.one.calls;
      s.b.end.perform(s.b.one.hangUp(call as never, s.network.now));
      s.network.advance(5000);
      expect(s.a.one.calls.map(({ state }) => state)).toEqual(['over']);
      const last = (user: string) => s.worker.history.filter((h) => h.user.startsWith(`sip:${user}@`)).at(-1)?.callStatus;
      expect([last('a'), last('b')]).toEqual(['idle', 'idle']);
    });
  });
});
