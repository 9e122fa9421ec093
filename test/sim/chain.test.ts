import { describe, expect, it } from 'vitest';
import type { TrackerSettings } from '../../shim/core/dialog/tracker.ts';
import { VirtualNetwork } from '../support/virtual-network.ts';
import { VirtualPhone } from '../support/virtual-phone.ts';
import { VirtualDisk, VirtualShim } from '../support/virtual-shim.ts';
import { VirtualWorker } from '../support/virtual-worker.ts';

const at = (host: string) => ({ address: host, port: 5060 });

/** FIG. 1: terminal A, three session control servers in a row, terminal B. Each server has a domain of its own. */
function chain(tracker: Partial<TrackerSettings>, delayedOffer = false) {
  const network = new VirtualNetwork({ start: Date.UTC(2026, 10, 22, 10), conditions: { delay: [10, 10] } });
  const worker = new VirtualWorker();
  const shims = ['10.0.1.1', '10.0.2.1', '10.0.3.1'].map((host, i, hosts) => {
    const upstream =
      hosts[i + 1] === undefined ? undefined : { transport: 'udp' as const, host: hosts[i + 1] as string, port: 5060 };
    const shim = new VirtualShim(
      {
        ...{
          site: `s${i + 1}`,
          address: at(host),
          domains: [`s${i + 1}.example`],
          worker,
          fate: () => 'well',
          chance: () => 0.5,
        },
        element: (s) => ({ ...s, upstream, presence: { ...s.presence, tracker: { ...s.presence.tracker, ...tracker } } }),
      },
      new VirtualDisk(),
      network.now,
    );
    network.attach(shim, at(host));
    return shim;
  });
  const phone = (user: string, domain: string, host: string, shim: string) => {
    const one = new VirtualPhone({ user, domain, address: at(host), shim: at(shim), expires: 3600, answers: 200, delayedOffer });
    const end = network.attach(one, one.settings.address);
    end.perform(one.register(network.now));
    return { one, end };
  };
  const a = phone('a', 's1.example', '10.0.1.2', '10.0.1.1');
  phone('b', 's3.example', '10.0.3.2', '10.0.3.1');
  network.advance(100);
  worker.history.length = 0;
  return {
    shims,
    call() {
      a.end.perform(a.one.call('sip:b@s3.example', network.now, { talk: 10_000, patience: 9000 }));
      network.advance(5000);
    },
    hangUp: () => network.advance(60_000),
    /** `a talking by s1`, in the order in which the Worker was told. */
    story: () =>
      worker.history
        .splice(0)
        .map((h) => `${h.user.slice(4, 5)} ${h.callStatus}${h.cause.by === 'update' ? ` by ${h.cause.site}` : ''}`)
        .filter((line) => !/ringing|calling|idle/.test(line)),
  };
}

describe('FIG. 3, 4 a chain of session control servers', () => {
  it('FIG. 3: each reports its own user at the 200, the far end first, the middle nothing', () => {
    const c = chain({ talking: 'on-answer' });
    c.call();
    expect(c.story()).toEqual(['b talking by s3', 'a talking by s1']);
    expect(c.shims[1]?.element.presence.outbox.counters.added).toBe(0);
  });

  it('FIG. 4: each reports its own user at the ACK, the near end first', () => {
    const c = chain({ talking: 'on-ack' });
    c.call();
    expect(c.story()).toEqual(['a talking by s1', 'b talking by s3']);
  });

  it('auto: a delayed offer is told at the ACK', () => {
    const c = chain({ talking: 'auto' }, true);
    c.call();
    expect(c.story()).toEqual(['a talking by s1', 'b talking by s3']);
  });
});

describe('FIG. 5, 6 a chain of session control servers', () => {
  it('FIG. 5: terminating is told where the BYE is seen, the near end first', () => {
    const c = chain({ terminating: 'on-bye' });
    c.call();
    c.story();
    c.hangUp();
    expect(c.story()).toEqual(['a terminating by s1', 'b terminating by s3']);
  });

  it('FIG. 6: terminating is told where its 200 is seen, the far end first', () => {
    const c = chain({ terminating: 'on-bye-answer' });
    c.call();
    c.story();
    c.hangUp();
    expect(c.story()).toEqual(['b terminating by s3', 'a terminating by s1']);
  });
});
