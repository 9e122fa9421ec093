import { HepFramer } from '../../../shim/core/hep/frame.ts';
import { decodeHep, HEP_FAULTS, HEP_LIMITS } from '../../../shim/core/hep/packet.ts';
import { DEFAULT_MESSAGE_LIMITS, scan } from '../../../shim/core/sip/index.ts';
import { chunk, encodeHep, uint16 } from '../../support/hep.ts';
import { mutate, pick } from '../../support/mutate.ts';
import { requestText } from '../../support/sip-text.ts';
import { type Mutation, must, type Target } from '../target.ts';

const PAYLOAD_BYTES = 40_000;
const SEEDS = [
  encodeHep({ payload: requestText('INVITE', { via: 'SIP/2.0/UDP 127.0.0.2;branch=z9hG4bKhep' }), key: 'secret', captureId: 7 }),
  encodeHep({
    source: ['2001:db8::1', 5060],
    destination: ['::1', 5061],
    payload: 'x',
    more: [chunk(0x11, 'call'), chunk(1, 'x', 42)],
  }),
];

/** Damages, after which the length in the header is mostly put right again: else hardly anything would get past it. */
const mutateHep: Mutation = (input, other, chance) => {
  let text = mutate(input, other, chance);
  for (let left = Math.floor(chance() * 4); left > 0; left--) {
    const at = Math.floor(chance() * text.length);
    text = text.slice(0, at) + String.fromCharCode(pick(chance, [0, 1, 6, 15, 16, 127, 255])) + text.slice(at + 1);
  }
  return chance() < 0.8 ? `HEP3${uint16(text.length)}${text.slice(6)}` : text;
};

/** HEP version 3: one packet, and packets from a stream however it is cut. */
export const hep: Target = {
  name: 'hep',
  seeds: SEEDS,
  mutate: mutateHep,
  run(input) {
    const result = decodeHep(input, PAYLOAD_BYTES);
    if (result.ok) {
      const { payload, authKey = '', correlationId, source, destination, at } = result.packet;
      must(payload.length <= PAYLOAD_BYTES, `a payload of ${payload.length} bytes`);
      must(authKey.length <= HEP_LIMITS.textBytes && correlationId.length <= HEP_LIMITS.textBytes, 'a text that is too long');
      must(Number.isFinite(at) && at >= 0, `captured at ${at}`);
      for (const { address, port } of [source, destination])
        must(address !== '' && port >= 0 && port < 65_536, `${address}:${port}`);
      scan(payload, DEFAULT_MESSAGE_LIMITS, 'datagram');
    } else must(HEP_FAULTS.includes(result.fault), `a fault ${result.fault}`);
    const [whole, cut] = [new HepFramer(), new HepFramer()];
    const stream = input + input;
    const one = whole.push(stream);
    const parts: typeof one = [];
    for (let at = 0; at < stream.length; at += 777) parts.push(...cut.push(stream.slice(at, at + 777)));
    must(JSON.stringify(parts) === JSON.stringify(one), 'a cut stream gives other packets');
    must(whole.held <= 2 * HEP_LIMITS.packetBytes, `${whole.held} bytes are held`);
  },
};
