import { describe, expect, it } from 'vitest';
import type { Flow, Target } from '../../shim/core/transport.ts';
import { type Packet, VirtualNetwork, type VirtualParty } from '../support/virtual-network.ts';

const A = { address: '192.0.2.1', port: 5060 };
const B = { address: '192.0.2.2', port: 5060 };

/** Keeps what it gets; answers where it is told to. */
class Recorder implements VirtualParty {
  readonly seen: { text: string; flow: Flow; at: number }[] = [];
  readonly failed: string[] = [];
  deadlines: number[] = [];
  readonly expired: number[] = [];

  receive(text: string, flow: Flow, at: number) {
    this.seen.push({ text, flow, at });
    return [];
  }

  expire(now: number) {
    this.expired.push(now);
    this.deadlines = this.deadlines.filter((at) => at > now);
    return [];
  }

  nextDeadline() {
    return this.deadlines.length === 0 ? undefined : Math.min(...this.deadlines);
  }

  transportError(id: string) {
    this.failed.push(id);
    return [];
  }
}

function pair(options: ConstructorParameters<typeof VirtualNetwork>[0] = {}) {
  const network = new VirtualNetwork({ start: 0, ...options });
  const [a, b] = [new Recorder(), new Recorder()];
  return { network, a, b, from: network.attach(a, A), to: network.attach(b, B, { names: ['b.example'] }) };
}

const udp: Target = { transport: 'udp', host: B.address, port: B.port };
const tcp: Target = { ...udp, transport: 'tcp' };
const numbered = (target: Target, count = 1_000) =>
  Array.from({ length: count }, (_, i) => ({ type: 'send', text: String(i), target }));

describe('Offhook virtual network', () => {
  it('loses, doubles and reorders datagrams about as often as it is told to', () => {
    const { network, b, from } = pair({ conditions: { delay: [0, 100], loss: 0.3, doubling: 0.2 } });
    const fates: Packet['fate'][] = [];
    network.tap = ({ fate }) => fates.push(fate);
    from.perform(numbered(udp));
    network.runUntilQuiet();
    const lost = fates.filter((fate) => fate === 'lost').length;
    const doubled = fates.filter((fate) => fate === 'doubled').length;
    expect(lost).toBeGreaterThan(250);
    expect(lost).toBeLessThan(350);
    expect(doubled).toBeGreaterThan(90);
    expect(doubled).toBeLessThan(190);
    expect(b.seen).toHaveLength(1_000 - lost + doubled);
    const order = b.seen.map(({ text }) => Number(text));
    expect(order).not.toEqual([...order].sort((x, y) => x - y));
    expect(b.seen.every(({ at }) => at >= 0 && at <= 100)).toBe(true);
  });

  it('loses and reorders nothing on TCP, and leads answers back over the same connection', () => {
    const { network, a, b, from, to } = pair({ conditions: { delay: [0, 100], loss: 0.5, doubling: 0.5 } });
    from.perform(numbered(tcp));
    network.runUntilQuiet();
    expect(b.seen.map(({ text }) => Number(text))).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    const { flow } = b.seen[0] as { flow: Flow };
    expect(new Set(b.seen.map((seen) => seen.flow.connection)).size).toBe(1);
    to.perform([{ type: 'send', text: 'back', target: { ...tcp, host: 'nowhere', connection: flow.connection } } as never]);
    network.runUntilQuiet();
    expect(a.seen[0]?.text).toBe('back');
    expect(a.seen[0]?.flow.connection).toBe(flow.connection);
  });

  it('reports on TCP what cannot be reached, and finds parties by name', () => {
    const { network, a, b, from, to } = pair();
    from.perform([{ type: 'send', text: 'x', target: { ...tcp, host: 'b.example' } } as never]);
    network.runUntilQuiet();
    expect(b.seen).toHaveLength(1);
    to.detach();
    from.perform([
      { type: 'send', text: 'x', target: tcp, id: 'one' } as never,
      { type: 'send', text: 'x', target: udp, id: 'two' } as never,
    ]);
    network.runUntilQuiet();
    expect(a.failed).toEqual(['one']);
  });

  it('wakes each party at its deadlines and nowhere else, and comes to rest before those that are far', () => {
    const { network, a } = pair();
    a.deadlines = [100, 5_000, 500_000];
    network.advance(100);
    expect([network.now, a.expired]).toEqual([100, [100]]);
    expect(network.runUntilQuiet()).toBe(4_900);
    expect(a.expired).toEqual([100, 5_000]);
  });

  it('says so where a party never comes to rest', () => {
    const { network, a } = pair();
    a.deadlines = [Number.NEGATIVE_INFINITY];
    a.expire = () => [];
    expect(() => network.advance(1)).toThrow('the parties do not come to rest');
  });
});
