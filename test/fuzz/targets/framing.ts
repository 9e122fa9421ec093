import { createFramer, DEFAULT_MESSAGE_LIMITS, type FrameItem, scan } from '../../../shim/core/sip/index.ts';
import { mutate } from '../../support/mutate.ts';
import { must, type Target } from '../target.ts';
import { MESSAGES } from './scanner.ts';

const LIMITS = DEFAULT_MESSAGE_LIMITS;

/** What comes of a stream that arrives in chunks of those sizes, again and again. */
function framed(stream: string, sizes: readonly number[]): FrameItem[] {
  const framer = createFramer(LIMITS);
  const items: FrameItem[] = [];
  for (let at = 0, i = 0; at < stream.length; i++) {
    const size = sizes[i % sizes.length] as number;
    items.push(...framer.push(stream.slice(at, at + size)));
    must(framer.held <= LIMITS.headerBytes + LIMITS.bodyBytes + size, `${framer.held} bytes are held`);
    at += size;
  }
  return items;
}

/** RFC 3261 7.5, 18.3: messages from a stream, however it is cut. */
export const framing: Target = {
  name: 'framing',
  seeds: [MESSAGES.slice(0, 6).join(''), MESSAGES.slice(-3).join('\r\n\r\n'), ...MESSAGES],
  mutate,
  run(input) {
    const whole = framed(input, [Math.max(1, input.length)]);
    const cut = framed(input, [1, 7, 64, 3, 500]);
    must(cut.length === whole.length, `${whole.length} items of a whole, ${cut.length} of a cut stream`);
    for (const [i, item] of whole.entries()) {
      const other = cut[i];
      must(item.type === other?.type, `a ${item.type} whole, a ${other?.type} cut`);
      if (item.type !== 'message') continue;
      must(other.type === 'message' && other.text === item.text, 'a message differs when it is cut');
      scan(item.text, LIMITS, 'stream');
    }
  },
};
