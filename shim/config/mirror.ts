import { addressAndPort, addressRange, duration, integer, list, text } from './kind.ts';
import { optional, setting } from './setting.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Settings of the passive source: what SIP servers mirror by HEP. */
export const MIRROR_SETTINGS = {
  hepListen: optional(
    'Mirrored traffic',
    addressAndPort,
    'address and port to take HEP version 3 at, over UDP and TCP: what a SIP server mirrors of its traffic; port 0 takes a free one',
  ),
  hepKey: optional(
    'Mirrored traffic',
    text('<key>', /^[!-~]{8,256}$/, '8 to 256 printable characters without spaces'),
    'shared secret that each HEP packet must carry (its auth key)',
    { from: 'environment' },
  ),
  hepAllow: optional('Mirrored traffic', list(addressRange, 256), 'addresses of those who may send HEP; any where none is given'),
  mirrorCap: setting(
    'Mirrored traffic',
    duration(MINUTE, DAY),
    2 * HOUR,
    'a mirrored call without any message for so long counts as over: the longest that a lost BYE can leave behind',
  ),
  mirrorReorder: setting(
    'Mirrored traffic',
    duration(0, 5 * SECOND),
    200,
    'mirrored messages are held for so long, to be put in the order in which they were seen',
  ),
  mirrorMemory: setting(
    'Mirrored traffic',
    integer(1000, 1_000_000),
    50_000,
    'mirrored messages and calls remembered for 40 s, so that copies and late ones change nothing',
  ),
} as const;
