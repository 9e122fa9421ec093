import { LIMITS } from '#protocol';
import { mediaOf, sessionOf } from '../../../shim/core/dialog/sdp.ts';
import { mutate } from '../../support/mutate.ts';
import { SDP } from '../../support/sip-text.ts';
import { must, type Target } from '../target.ts';

const HELD = SDP.replace('t=0 0', 't=0 0\r\na=sendonly').replace('127.0.0.1\r\ns', '0.0.0.0\r\ns');
const VIDEO = `${SDP}a=sendrecv\r\nm=video 6002 RTP/AVP 96 97\r\na=rtpmap:96 H264/90000\r\na=inactive\r\nm=audio 0 RTP/AVP 0\r\n`;

/** RFC 8866, as far as presence reads it. */
export const sdp: Target = {
  name: 'sdp',
  seeds: [SDP, HELD, VIDEO],
  mutate: (input, other, chance) =>
    chance() < 0.02 ? input.repeat(1 + Math.floor(chance() * 200)) : mutate(input, other, chance),
  run(input) {
    const media = mediaOf(input);
    must(media.length <= LIMITS.media, `${media.length} media`);
    for (const one of media) {
      must(one.type !== '' && one.type.length <= 16, `a medium of type ${one.type}`);
      must((one.codec ?? '').length <= 32, `a codec of ${one.codec?.length} characters`);
    }
    sessionOf(media);
  },
};
