import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowTokens } from '../../shim/core/proxy/flow-token.ts';
import { parseUri } from '../../shim/core/sip/index.ts';
import type { Flow, TransportName } from '../../shim/core/transport.ts';
import { createHashes } from '../../shim/io/hashes.ts';
import { HASHES } from '../support/digest.ts';

const tokens = new FlowTokens(HASHES.mac);

const address = fc.record({
  address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('fe80::1%eth0')),
  port: fc.integer({ min: 1, max: 65_535 }),
});
const flows: fc.Arbitrary<Flow> = fc
  .record({
    transport: fc.constantFrom<TransportName>('udp', 'tcp', 'tls', 'ws', 'wss'),
    local: address,
    remote: address,
    connection: fc.option(fc.nat(), { nil: undefined }),
  })
  .map(({ connection, ...flow }) => (connection === undefined ? flow : { ...flow, connection }));

describe('RFC 5626 5.2 a flow token', () => {
  it('names its flow, alone and behind the name of a place, as the user part of a URI', () => {
    fc.assert(
      fc.property(flows, fc.constantFrom(undefined, 'offhook-alice_40example.com', 'offhook-a~1b2c'), (flow, place) => {
        const user = tokens.of(flow, place);
        expect(user).toMatch(/^[A-Za-z0-9._~-]+$/);
        expect(parseUri(`sip:${user}@127.0.0.1;lr`)?.user).toBe(user);
        expect(tokens.read(user)).toEqual(flow);
      }),
    );
  });

  it('cannot be made up: one changed character, or another key, and it names nothing', () => {
    const others = new FlowTokens(createHashes().mac);
    fc.assert(
      fc.property(flows, fc.nat(), fc.constantFrom(...'abcdef0123456789~_.-'), (flow, at, char) => {
        const user = tokens.of(flow);
        const i = 'offhook-~~'.length + (at % (user.length - 'offhook-~~'.length));
        const changed = user.slice(0, i) + char + user.slice(i + 1);
        expect(tokens.read(changed)).toEqual(changed === user ? flow : undefined);
        expect(others.read(user)).toBeUndefined();
      }),
    );
  });

  it.each(['', 'alice', 'offhook-', 'offhook-~~', 'offhook-~~~', 'offhook-alice_40example.com~1b', '~~udp~a~1~b~2~~'])(
    'is none: %j',
    (user) => expect(tokens.read(user)).toBeUndefined(),
  );
});
