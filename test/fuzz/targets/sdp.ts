import { LIMITS } from '#protocol';
import { agreed, flowOf, mirroredMedia, parseStreams, sessionOf, streamsOf } from '../../../shim/core/dialog/sdp.ts';
import { DEFAULT_MESSAGE_LIMITS, scan } from '../../../shim/core/sip/index.ts';
import { mutate, pick } from '../../support/mutate.ts';
import { requestText, SDP } from '../../support/sip-text.ts';
import { type Mutation, must, type Target } from '../target.ts';

const HELD = SDP.replace('t=0 0', 't=0 0\r\na=sendonly').replace('127.0.0.1\r\nt', '0.0.0.0\r\nt');
const VIDEO = `${SDP}a=sendrecv\r\nm=video 6002 RTP/AVP 96 97\r\na=rtpmap:96 H264/90000\r\na=inactive\r\nm=audio 0 RTP/AVP 0\r\n`;
const MULTIPART = `--b\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n`;
/** Values that stand in a session description, and some that should not. */
const VALUES = [
  '0',
  '8',
  '96',
  'audio',
  'video',
  'constructor',
  '__proto__',
  'toString',
  'sendonly',
  '0.0.0.0',
  '::',
  '-1',
  '9'.repeat(30),
];

/** Also changes whole values of a line. */
const mutateSdp: Mutation = (input, other, chance) => {
  const roll = chance();
  if (roll < 0.02) return input.repeat(1 + Math.floor(chance() * 200));
  if (roll < 0.4) return input.replace(/[\w.]+/g, (word) => (chance() < 0.1 ? pick(chance, VALUES) : word));
  return mutate(input, other, chance);
};

/** RFC 8866, RFC 3264, as far as presence reads them. */
export const sdp: Target = {
  name: 'sdp',
  seeds: [SDP, HELD, VIDEO, MULTIPART],
  mutate: mutateSdp,
  run(input) {
    const streams = parseStreams(input);
    must(streams.length <= LIMITS.media, `${streams.length} media`);
    for (const { type, codec = '', flow } of streams) {
      must(typeof type === 'string' && type.length <= 16, `a medium of type ${String(type)}`);
      must(typeof codec === 'string' && codec.length <= 32, `a codec ${String(codec)}`);
      must(flow === 0 || flow === 1 || flow === 2 || flow === 3, `a flow ${String(flow)}`);
    }
    const media = agreed(streams, parseStreams(SDP));
    for (const one of [...media, ...agreed(streams, streams), ...mirroredMedia(media)]) {
      must(/^(inactive|sendonly|recvonly|sendrecv)$/.test(one.direction ?? ''), `a direction ${String(one.direction)}`);
    }
    flowOf(media);
    sessionOf(media);
    const scanned = scan(requestText('INVITE', { body: input }), DEFAULT_MESSAGE_LIMITS, 'datagram');
    if (scanned.ok) streamsOf(scanned.message);
    const several = requestText('INVITE', { body: input }).replace('application/sdp', 'multipart/mixed;boundary=b');
    const parts = scan(several, DEFAULT_MESSAGE_LIMITS, 'datagram');
    if (parts.ok) streamsOf(parts.message);
  },
};
