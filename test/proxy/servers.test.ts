import { describe, expect, it } from 'vitest';
import { Servers } from '../../shim/core/proxy/servers.ts';
import { topVia } from '../../shim/core/sip/index.ts';
import type { Flow, Target } from '../../shim/core/transport.ts';
import { answerTo, flow, type Otherwise, type Outcome, SHIM, summary, testElement } from '../support/element.ts';
import { requestText, SDP, scanned } from '../support/sip-text.ts';
import { VirtualNetwork, type VirtualParty } from '../support/virtual-network.ts';

const PBX: Target = { transport: 'udp', host: 'pbx.example', port: 5060, named: true, open: true };
const at = (host: number, transport: Target['transport'] = 'udp'): Target => ({
  transport,
  host: 'pbx.example',
  port: 5060,
  address: `127.0.0.${host}`,
});

/** Alice calls a number that lies at the upstream, which has those servers. */
function calling(servers: readonly Target[], otherwise: Otherwise = {}) {
  const locate = (target: Target) => (target.host === 'pbx.example' ? servers : undefined);
  const shim = testElement({ upstream: PBX, locate, ...otherwise });
  shim.register('alice', flow(2));
  let count = 0;
  const request = (method = 'INVITE') => {
    const via = `SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKcall${count}`;
    const headers = { via, callId: `call${count++}`, body: method === 'INVITE' ? SDP : '' };
    return shim.receive(requestText(method, { uri: 'sip:100@example.com', to: '<sip:100@example.com>', ...headers }), flow(2));
  };
  const answer = (to: Outcome, status: number, host: number, ...headers: string[]) => {
    const sent = to.messages.find((m) => m.status === 0 && m.method !== 'ACK');
    if (sent === undefined) throw new Error('nothing was sent');
    return shim.receive(answerTo(sent, status, { headers }), flow(host));
  };
  return { shim, request, answer };
}

describe('RFC 3263 4.1 the transport that was found', () => {
  it.each(['udp', 'tcp'] as const)('stands in the Via of what goes there: %s', (transport) => {
    const call = calling([at(8, transport)]).request();
    expect(summary(call)).toContain('INVITE > 127.0.0.8:5060');
    const i = call.messages.findIndex((m) => m.method === 'INVITE' && m.status === 0);
    expect(call.sent[i]?.target).toMatchObject({ transport, host: 'pbx.example', address: '127.0.0.8' });
    expect(topVia(call.messages[i] as never)?.transport).toBe(transport.toUpperCase());
  });

  it('goes as the URI says while nothing is known of the name', () => {
    const shim = testElement({ upstream: PBX, locate: () => undefined });
    shim.register('alice', flow(2));
    const sent = shim.receive(requestText('INVITE', { uri: 'sip:1@example.com', to: '<sip:1@example.com>', body: SDP }), flow(2));
    expect(sent.sent.map(({ target }) => [target.host, target.named])).toContainEqual(['pbx.example', true]);
  });
});

describe('RFC 3263 4.3 a server that answers 503', () => {
  it('is followed by the next one, under another branch, and the caller hears nothing of it', () => {
    const { request, answer } = calling([at(8), at(9)]);
    const first = request();
    const second = answer(first, 503, 8);
    expect(summary(second)).toEqual(['ACK > 127.0.0.8:5060', 'INVITE > 127.0.0.9:5060']);
    const branch = (outcome: Outcome) =>
      topVia(outcome.messages.find((m) => m.method === 'INVITE' && m.status === 0) as never)?.branch;
    expect(branch(second)).not.toBe(branch(first));
    expect(summary(answer(second, 200, 9))).toEqual(['200 > 127.0.0.2:5060']);
  });

  it('is followed for requests other than INVITE too', () => {
    const { request, answer } = calling([at(8), at(9)]);
    expect(summary(answer(request('MESSAGE'), 503, 8))).toEqual(['MESSAGE > 127.0.0.9:5060']);
  });

  it('is not followed by more than serverTries allows', () => {
    const { request, answer } = calling([at(7), at(8), at(9)], { serverTries: 2 });
    const second = answer(request(), 503, 7);
    expect(summary(second)).toContain('INVITE > 127.0.0.8:5060');
    expect(summary(answer(second, 503, 8))).toEqual(['ACK > 127.0.0.8:5060', '500 > 127.0.0.2:5060']);
  });

  it('is not followed once the caller has given up', () => {
    const { shim, request, answer } = calling([at(8), at(9)]);
    const first = request();
    const via = 'SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKcall0';
    shim.receive(
      requestText('CANCEL', { uri: 'sip:100@example.com', to: '<sip:100@example.com>', via, callId: 'call0' }),
      flow(2),
    );
    expect(summary(answer(first, 503, 8))).not.toContain('INVITE > 127.0.0.9:5060');
  });

  it('is tried last for a while, and in its turn after that', () => {
    const { shim, request, answer } = calling([at(8), at(9)]);
    answer(request(), 503, 8);
    expect(summary(request())).toContain('INVITE > 127.0.0.9:5060');
    shim.expire(30_001);
    expect(summary(request())).toContain('INVITE > 127.0.0.8:5060');
  });

  it('RFC 3261 21.5.4: is left alone for as long as its Retry-After says', () => {
    const { shim, request, answer } = calling([at(8), at(9)]);
    answer(answer(request(), 503, 8, 'Retry-After: 120'), 486, 9);
    shim.expire(119_000);
    expect(summary(request())).toContain('INVITE > 127.0.0.9:5060');
    shim.expire(2_000);
    expect(summary(request())).toContain('INVITE > 127.0.0.8:5060');
  });

  it.each([486, 404, 500, 603])('another answer is the answer: %i', (status) => {
    const { request, answer } = calling([at(8), at(9)]);
    expect(summary(answer(request(), status, 8))).toEqual(['ACK > 127.0.0.8:5060', `${status} > 127.0.0.2:5060`]);
  });
});

describe('RFC 3263 4.3 a server that cannot be reached', () => {
  it('is followed by the next one', () => {
    const { shim, request } = calling([at(8, 'tcp'), at(9, 'tcp')]);
    const id = request().sent.find(({ target }) => target.address === '127.0.0.8')?.id ?? '';
    expect(summary(shim.failed(id))).toEqual(['INVITE > 127.0.0.9:5060']);
  });

  it('is passed over where there is no address here to reach it from', () => {
    const v6 = { ...at(8), address: '2001:db8::1' };
    expect(summary(calling([v6, at(9)]).request())).toContain('INVITE > 127.0.0.9:5060');
  });
});

describe('RFC 3263 4.3 a server that is silent', () => {
  /** A server of the upstream on the virtual network, which answers so; and what it got. */
  function server(network: VirtualNetwork, address: string, status: number | undefined) {
    const got: { at: number; text: string }[] = [];
    const party: VirtualParty = {
      receive: (text: string, from: Flow, now: number) => {
        got.push({ at: now, text });
        if (status === undefined || /^ACK /.test(text)) return [];
        return [
          {
            type: 'send',
            text: answerTo(scanned(text), status),
            target: { transport: 'udp', host: from.remote.address, port: 5060 },
          },
        ];
      },
      expire: () => [],
      nextDeadline: () => undefined,
    } as VirtualParty;
    network.attach(party, { address, port: 5060 });
    return got;
  }

  it.each([
    ['INVITE', 32_000, true],
    ['MESSAGE', 32_000, false],
  ])(
    '%s: after 64*T1 the next one gets it, where there is time (RFC 4320), and the request after it at once',
    (method, silence, goesOn) => {
      const network = new VirtualNetwork();
      const silent = server(network, '127.0.0.8', undefined);
      const well = server(network, '127.0.0.9', 200);
      const caller: string[] = [];
      const { element, at: clock } = testElement({ upstream: PBX, locate: () => [at(8), at(9)] });
      clock.now = network.now;
      const shim = network.attach(element, SHIM);
      network.attach(
        {
          receive: (text: string) => {
            caller.push(text.slice(8, 11));
            return [];
          },
          expire: () => [],
          nextDeadline: () => undefined,
        } as VirtualParty,
        { address: '127.0.0.2', port: 5060 },
      );
      const contact = ['Contact: <sip:alice@127.0.0.2:5060>'];
      const alice = {
        from: '<sip:alice@example.com>;tag=r',
        via: 'SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKreg',
        headers: contact,
      };
      const registration = requestText('REGISTER', {
        uri: 'sip:example.com',
        to: '<sip:alice@example.com>',
        callId: 'reg',
        ...alice,
      });
      shim.perform(element.receive(registration, flow(2), network.now));
      const send = (n: number) => {
        const via = `SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK${n}`;
        const text = requestText(method, {
          uri: 'sip:1@example.com',
          to: '<sip:1@example.com>',
          via,
          callId: `c${n}`,
          body: SDP,
        });
        shim.perform(element.receive(text, flow(2), network.now));
      };
      send(1);
      network.advance(silence - 100);
      expect([silent.length > 5, well.length]).toEqual([true, 0]);
      network.advance(200);
      expect(well.length).toBe(goesOn ? 1 : 0);
      expect(caller.includes('200')).toBe(true);
      send(2);
      network.advance(10);
      expect(well.length).toBe(goesOn ? 2 : 1);
      expect(new Set(silent.map(({ text }) => text.match(/branch=[^;]*/)?.[0])).size).toBe(1);
    },
  );
});

describe('Offhook the memory of servers that failed', () => {
  const servers = new Servers({ serverTries: 16, serverAvoid: 1000 }, () => [at(8), at(9)]);

  it('is bounded, and drops the oldest', () => {
    servers.failed(at(8), 0);
    for (let port = 1; port <= 1000; port++) servers.failed({ ...at(7), port }, 0);
    expect(servers.of(PBX, 1).map(({ address }) => address)).toEqual(['127.0.0.8', '127.0.0.9']);
  });

  it('changes the order alone: where all have failed all are tried', () => {
    servers.failed(at(8), 0);
    servers.failed(at(9), 0);
    expect(servers.of(PBX, 1)).toHaveLength(2);
  });

  it('does not touch a target with a connection or behind a NAT', () => {
    for (const target of [
      { ...PBX, connection: 1 },
      { ...PBX, behindNat: true as const },
    ])
      expect(servers.of(target, 1)).toEqual([target]);
  });
});
