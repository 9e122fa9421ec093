import { ALGORITHMS } from '../core/auth/hashes.ts';
import { DEFAULT_SCANNERS } from '../core/guard/scanners.ts';
import { addressRange, choice, duration, integer, list, text } from './kind.ts';
import { optional, setting } from './setting.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const GROUP = 'Authentication and protection';

/** Who must show who he is, and by what (RFC 3261 22, RFC 8760). */
export const PROTECTION_SETTINGS = {
  auth: setting(GROUP, choice('off', 'digest'), 'off', 'whether users must give a password to register and to call (RFC 8760)'),
  usersFile: optional(
    GROUP,
    text('<file>', /^[^\0]+$/, 'a file'),
    'users and their password hashes, a line each (`offhook user lines` makes them), besides those of `offhook user add`',
  ),
  realm: optional(
    GROUP,
    text('<realm>', /^[^"\\:\s\p{Cc}]{1,128}$/u, '1 to 128 characters without quotes, colons and spaces'),
    'realm of every user, hashed into the passwords; where none is given, the domain of each',
  ),
  authAlgorithms: setting(
    GROUP,
    list(choice(...ALGORITHMS), ALGORITHMS.length),
    ALGORITHMS,
    'hashes that are offered (RFC 8760); MD5 alone for telephones that give up at a challenge they do not know',
  ),
  nonceLifetime: setting(GROUP, duration(10 * SECOND, DAY), 5 * MINUTE, 'a challenge can be answered for so long (RFC 7616 5.4)'),
  maxNonces: setting(
    GROUP,
    integer(100, 10_000_000),
    200_000,
    'challenges in use at once; beyond, the oldest are asked for anew',
  ),
  inbound: setting(
    GROUP,
    choice('trusted', 'open'),
    'trusted',
    'with authentication: whether only trusted peers, or any stranger, may call users here from other domains',
  ),
  guard: setting(GROUP, choice('on', 'off'), 'on', 'whether sources are limited and banned'),
  allow: setting(
    GROUP,
    list(addressRange, 1024),
    ['127.0.0.1', '::1'],
    'addresses never limited or banned, and not trusted for it',
  ),
  sourceRate: setting(
    GROUP,
    integer(1, 1_000_000),
    100,
    'messages a second of one source: an IPv4 address, an IPv6 /64, a registered port',
  ),
  sourceBurst: setting(GROUP, integer(10, 1_000_000), 1000, 'messages of one source beyond its rate at once; more are dropped'),
  registerRate: setting(GROUP, integer(1, 1_000_000), 20, 'REGISTERs a second from one address, of ports not registered yet'),
  registerBurst: setting(GROUP, integer(10, 1_000_000), 500, 'REGISTERs from one address beyond its rate at once'),
  sourceCalls: setting(GROUP, integer(1, 100_000), 200, 'calls open at once that one source began; more are refused with 503'),
  sourceBindings: setting(
    GROUP,
    integer(1, 1_000_000),
    1000,
    'telephones registered from one address; more are refused with 503',
  ),
  sourceConnections: setting(GROUP, integer(1, 60_000), 500, 'connections (TCP, TLS, WebSocket) open at once from one address'),
  banAfter: setting(GROUP, integer(1, 10_000), 10, 'wrong passwords, unknown names and malformed messages that lead to a ban'),
  banWindow: setting(GROUP, duration(SECOND, DAY), 10 * MINUTE, 'they are forgotten within so long'),
  banTime: setting(GROUP, duration(SECOND, DAY), 5 * MINUTE, 'first ban; each further one is twice as long'),
  banMax: setting(GROUP, duration(SECOND, 30 * DAY), DAY, 'longest ban'),
  strangersWaiting: setting(
    GROUP,
    integer(1, 1_000_000),
    2000,
    'messages of those who are neither registered nor trusted that wait for their turn; more are dropped',
  ),
  maxSources: setting(GROUP, integer(100, 1_000_000), 50_000, 'addresses remembered for this'),
  scanners: setting(
    GROUP,
    list(text('<name>', /^[^\p{Cc}]{1,64}$/u, '1 to 64 characters'), 256),
    DEFAULT_SCANNERS,
    'names in User-Agent or From by which scanners are known: dropped and banned at once',
    { defaultText: 'the usual ones, see docs/security.md' },
  ),
} as const;
