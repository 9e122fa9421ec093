import { hostname } from 'node:os';
import { LIMITS } from '#protocol';
import { ADVERTISED } from '../advertised.ts';
import {
  address,
  addressRange,
  choice,
  domain,
  duration,
  durationOrOff,
  integer,
  list,
  size,
  text,
  toggle,
  webUrl,
} from './kind.ts';
import { MIRROR_SETTINGS } from './mirror.ts';
import { numberRule, orNone, pair } from './placing-kind.ts';
import { PROTECTION_SETTINGS } from './protection.ts';
import { sessionRule } from './session-rule.ts';
import { optional, required, setting, type Values } from './setting.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const file = text('<file>', /^[^\0]+$/, 'a file');

/** The name of a site: what `UpdateBatch.site` may be. */
export const siteName = text('<name>', /^[A-Za-z0-9._-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 . _ -');

/** Where SIP is sent to. */
const sipUri = text(
  '<sip-uri>',
  /^sips?:(?:[^@\s<>"]+@)?(?:\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*)(?::\d{1,5})?(?:;[^\s<>"?]*)?$/i,
  'a SIP URI',
);

/** An IPv4 or bracketed IPv6 literal, and a port where it is not 53. */
const DNS_SERVER = /^(?:(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!:|$)|(?=:|$))){4}|\[[0-9a-f:]{2,39}\])(?::\d{1,5})?$/i;

/** This host's name, made a valid site name. */
export function siteOfHost(host: string): string {
  return host.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 64) || 'site';
}

/**
 * Every setting of the shim; one row makes the flag, the variable, the check, the help and the reference.
 * Lengths of time are held in ms and sizes in bytes, whatever unit they were given in.
 */
export const SHIM_SETTINGS = {
  sipHost: setting(
    'Addresses',
    list(address, 16),
    ['127.0.0.1'],
    'addresses to take SIP at, over UDP and TCP, and those of the other ports that are set',
  ),
  sipPort: setting('Addresses', integer(0, 65_535, '<port>'), 5060, 'port to take SIP at; 0 takes a free one'),
  advertised: optional(
    'Addresses',
    list(
      text('<[address=]public[:port]>', ADVERTISED, 'a public address or name, as in 203.0.113.5, 10.0.0.5=203.0.113.5:5060'),
      32,
    ),
    'the address by which others reach this element behind NAT: it stands in Via and Record-Route instead of the one listened at',
  ),
  localNetworks: optional(
    'Addresses',
    list(addressRange, 256),
    'networks that reach the listened address itself, where `--advertised` is set: the others see the advertised one',
  ),
  tlsPort: setting(
    'Addresses',
    integer(0, 65_535, '<port>'),
    5061,
    'port to take SIP over TLS at, where a certificate is set; 0 takes a free one',
  ),
  wsPort: optional(
    'Addresses',
    integer(0, 65_535, '<port>'),
    'port to take SIP over WebSocket at (RFC 7118), for browser telephones behind a proxy that does TLS; 0 takes a free one',
  ),
  wssPort: optional(
    'Addresses',
    integer(0, 65_535, '<port>'),
    'port to take SIP over secure WebSocket at (RFC 7118); needs a certificate; 0 takes a free one',
  ),
  wsOrigins: optional(
    'Addresses',
    list(text('<origin>', /^https?:\/\/[a-z0-9.:[\]-]+$/, 'an origin, such as https://phone.example.com, in lower case'), 64),
    'pages that may open a WebSocket (RFC 6455 10.2); any where none is given',
  ),
  domains: setting('Addresses', list(domain, 256), ['127.0.0.1', 'localhost', '[::1]'], 'domains whose users register here'),
  upstream: optional(
    'Addresses',
    sipUri,
    'next hop (the PBX) for other domains, and for what registered users dial that is no user here',
    { example: 'sip:192.0.2.20' },
  ),
  dnsServers: optional(
    'Addresses',
    list(text('<address[:port]>', DNS_SERVER, 'an address, as in 192.0.2.53, 192.0.2.53:5353'), 8),
    'DNS servers asked for the servers of names (RFC 3263) instead of those of the machine',
  ),

  tlsCertificate: optional('TLS', file, "this element's certificate, with the chain to its authority (PEM)"),
  tlsKey: optional('TLS', file, 'the private key of the certificate (PEM)'),
  tlsCertificates: optional(
    'TLS',
    list(
      text('<name=certificate:key>', /^[A-Za-z0-9.*-]+=[^:,=\0]+:[^:,\0]+$/, 'a name, a certificate and its key: name=file:file'),
      64,
    ),
    'further certificates, each for one name (SNI); `*.example.com` stands for any name right below it',
  ),
  tlsCa: optional('TLS', file, "authorities that are trusted beside Node's own when we connect to others (PEM)"),
  tlsVerify: setting(
    'TLS',
    choice('on', 'off'),
    'on',
    'whether the certificates of those we connect to are checked, and their names (RFC 5922)',
  ),
  mode: setting(
    'Placing',
    choice('registrar', 'edge', 'passive'),
    'registrar',
    'keep the registrations of the domains here, stand before a PBX (--upstream) that keeps them, or take no SIP and go by what a ' +
      'SIP server mirrors (--hep-listen)',
  ),
  contactRewrite: setting(
    'Placing',
    choice('off', 'on'),
    'off',
    'edge: how the PBX sends calls back through here: by Path (RFC 3327), or, for a PBX without, by Contacts that are written anew',
  ),
  longestGrant: setting(
    'Placing',
    duration(MINUTE, 30 * DAY),
    7 * DAY,
    'no registration at another registrar (edge, mirrored traffic) is believed to last longer',
  ),
  aliases: setting('Placing', orNone(list(pair(domain, domain), 256)), [], 'further names of domains: <alias>=<domain>', {
    defaultText: 'none',
  }),
  numbers: setting(
    'Placing',
    orNone(list(numberRule, 4096)),
    [],
    'whose a telephone number is: +49301234=alice@example.com, or by what it begins with: +49305678*=*@example.com',
    { defaultText: 'none' },
  ),
  routes: setting(
    'Placing',
    orNone(list(pair(domain, sipUri), 256)),
    [],
    'next hops of single domains, before --upstream: <domain>=<sip-uri>',
    {
      defaultText: 'none',
    },
  ),
  trustedPeers: setting(
    'Placing',
    orNone(list(addressRange, 256)),
    [],
    'addresses of other servers (a PBX, other shims): they may relay through here. Where given, others may call users here only. ' +
      'Next hops that are named by address are trusted',
    { defaultText: 'none' },
  ),

  ...MIRROR_SETTINGS,

  config: optional(
    'State',
    text('<file>', /^[^\0]+$/, 'a file'),
    'configuration file (TOML; see docs/offhook.example.toml), read again at SIGHUP',
    { defaultText: '`offhook.toml`, where that is in the working directory' },
  ),
  stateDir: setting('State', text('<folder>', /^[^\0]+$/, 'a folder'), '.offhook', 'folder for what must survive a restart'),
  noPersistence: setting('State', toggle, false, 'keep nothing after the end: state lives in memory and a temporary folder'),

  logLevel: setting(
    'Operation',
    choice('debug', 'info', 'warn', 'error'),
    'info',
    'the least serious messages to log; debug traces SIP messages',
  ),
  logFormat: setting('Operation', choice('text', 'json'), 'text', 'lines for people (logfmt), or one JSON object a line'),
  logCallId: optional(
    'Operation',
    list(text('<call-id>', /^[^\s,]{1,256}$/, 'a Call-ID without commas'), 32),
    'at level debug, trace only the messages with these Call-IDs',
  ),
  logRedact: setting(
    'Operation',
    choice('users', 'secrets'),
    'users',
    'what the log leaves out: user names and numbers too (told by pseudonyms), or only credentials and tokens, which it never tells',
  ),
  logBurst: setting(
    'Operation',
    integer(1, 1_000_000, '<lines>'),
    50,
    'lines of one kind about the updates of single users in ten seconds; how many more there were is told in one line',
  ),
  adminHost: setting(
    'Operation',
    address,
    '127.0.0.1',
    'address of /metrics, /healthz and /status, for programs on this machine',
  ),
  adminPort: setting(
    'Operation',
    integer(0, 65_535, '<port>'),
    0,
    'port of /metrics, /healthz and /status; 0 for none (`offhook status` needs none)',
  ),
  healthOutboxAge: setting(
    'Operation',
    duration(SECOND, DAY),
    2 * MINUTE,
    '/healthz tells of trouble where an update has waited for the Worker for so long',
  ),
  drainTimeout: setting(
    'Operation',
    duration(0, 10 * MINUTE),
    5 * SECOND,
    'at SIGTERM, requests under way and the updates that wait get so long at most to be settled',
  ),
  onStop: setting(
    'Operation',
    choice('stay', 'leave'),
    'stay',
    'what becomes, after a planned stop, of what was told: it stays, and is stale when the lease has run out; or it ends (reason `stopped`)',
  ),

  site: setting('Presence', siteName, () => siteOfHost(hostname()), 'name of this shim, unique in the deployment', {
    defaultText: "this host's name",
    example: 'office',
  }),
  talking: setting(
    'Presence',
    choice('auto', 'on-answer', 'on-ack'),
    'auto',
    'when talking begins: at the 200 to INVITE (FIG. 3), at the ACK (FIG. 4), or by where the offer is',
  ),
  terminating: setting(
    'Presence',
    choice('on-bye', 'on-bye-answer'),
    'on-bye',
    'when a call is reported terminating: at the BYE (FIG. 5) or at its 200 (FIG. 6)',
  ),
  expiry: setting(
    'Presence',
    choice('shim', 'server'),
    'shim',
    'who turns a user off-line when a registration runs out (FIG. 7); server also reports every refresh',
  ),

  minExpires: setting(
    'Registrar',
    duration(SECOND, DAY),
    MINUTE,
    'shortest registration; a shorter one is refused with 423 (RFC 3261 10.3)',
  ),
  defaultExpires: setting('Registrar', duration(SECOND, DAY), HOUR, 'registration where the telephone names no time'),
  maxExpires: setting('Registrar', duration(SECOND, DAY), 2 * HOUR, 'longest registration; a longer one is shortened'),
  bindingsPerUser: setting(
    'Registrar',
    integer(1, LIMITS.terminals),
    10,
    'telephones that one user may have registered at once; one more displaces the one refreshed longest ago',
  ),
  maxBindings: setting('Registrar', integer(1, 1_000_000), 100_000, 'telephones registered at once, all users'),

  ...PROTECTION_SETTINGS,

  maxDialogs: setting(
    'Calls and transactions',
    integer(1, 1_000_000),
    20_000,
    'calls followed at once; more are relayed but not reported',
  ),
  dialogCap: setting(
    'Calls and transactions',
    duration(MINUTE, DAY),
    4 * HOUR,
    'a call without any message for so long counts as over',
  ),
  sessionExpires: setting(
    'Calls and transactions',
    durationOrOff(90 * SECOND, DAY),
    0,
    'session timer to ask for in calls that have none (RFC 4028); a longer one is shortened to it; 0 asks for none',
  ),
  minSe: setting(
    'Calls and transactions',
    duration(90 * SECOND, DAY),
    90 * SECOND,
    'shortest session timer to accept where timers are asked for; a shorter one is refused with 422 (RFC 4028 8.1)',
  ),
  probeInterval: setting(
    'Calls and transactions',
    durationOrOff(10 * SECOND, DAY),
    5 * MINUTE,
    'a call without session timer of which nothing is heard for so long is asked whether it lives, by OPTIONS within it; 0 asks none',
  ),
  probeTries: setting(
    'Calls and transactions',
    integer(2, 10),
    3,
    'so many questions in a row must fail at one party before a call counts as over (in presence alone: nothing is sent to end it)',
  ),
  probeRetry: setting(
    'Calls and transactions',
    duration(SECOND, HOUR),
    10 * SECOND,
    'pause between a question that failed and the next',
  ),
  maxProbes: setting('Calls and transactions', integer(2, 100_000), 500, 'questions under way at once; calls beyond wait'),
  sessionRules: optional(
    'Calls and transactions',
    list(sessionRule, 256),
    'what calls of an address are, `pattern=type`, the first that matches: `*` and `?` as in file names, `\\` before a character to take it as it is; with `@` against user@host, else against the user; types voice, video, voicemail, streaming, conference, queue, message',
  ),
  timerC: setting(
    'Calls and transactions',
    duration(181 * SECOND, HOUR),
    185 * SECOND,
    'longest ringing after a provisional answer (RFC 3261 16.6, timer C)',
  ),
  t1: setting('Calls and transactions', duration(50, 10 * SECOND), 500, 'estimate of the round trip (RFC 3261 17, T1)'),
  t2: setting(
    'Calls and transactions',
    duration(50, MINUTE),
    4 * SECOND,
    'longest interval of retransmissions (RFC 3261 17, T2)',
  ),
  t4: setting(
    'Calls and transactions',
    duration(50, MINUTE),
    5 * SECOND,
    'how long a message may live in the network (RFC 3261 17, T4)',
  ),
  maxBranches: setting(
    'Calls and transactions',
    integer(1, 100),
    10,
    'telephones and other targets that one request is sent on to at most (RFC 3261 16.5)',
  ),
  maxBreadth: setting(
    'Calls and transactions',
    integer(1, 1000),
    60,
    'branches of a request that may be open at once here and further on (RFC 5393, Max-Breadth)',
  ),
  recurse: setting(
    'Calls and transactions',
    choice('on', 'off'),
    'on',
    'follow redirections (300, 301, 302) to users served here and to the upstream; others go back to the caller',
  ),
  serverTries: setting(
    'Calls and transactions',
    integer(1, 16),
    4,
    'servers of one name that a request is tried at, one after the other (RFC 3263 4.3)',
  ),
  serverAvoid: setting(
    'Calls and transactions',
    duration(SECOND, HOUR),
    30 * SECOND,
    'how long a server that was silent, refused, or answered 503 is tried last',
  ),
  maxTransactions: setting(
    'Calls and transactions',
    integer(100, 1_000_000),
    100_000,
    'transactions open at once; more are refused with 503',
  ),

  headerBytes: setting('Messages and connections', size(4096, 65_536), 16_384, 'longest header block of a message'),
  headerCount: setting('Messages and connections', integer(32, 4096), 256, 'most header fields of a message'),
  bodyBytes: setting('Messages and connections', size(1024, 1024 * 1024), 65_536, 'longest body of a message'),
  udpBytes: setting(
    'Messages and connections',
    size(576, 65_507),
    1300,
    'longest request that is sent by UDP; a longer one goes by TCP where the other side takes it (RFC 3261 18.1.1)',
  ),
  tcpConnections: setting('Messages and connections', integer(1, 60_000), 2000, 'connections open at once (TCP, TLS, WebSocket)'),
  tcpIdle: setting(
    'Messages and connections',
    duration(10 * SECOND, DAY),
    // A phone that keeps nothing alive refreshes its registration over the connection by which its calls come: longer than defaultExpires.
    65 * MINUTE,
    'a TCP connection silent for so long is closed (keep-alive: RFC 5626)',
  ),

  workerUrl: required('Worker', webUrl, 'address of the deployed Worker', { example: 'https://offhook.example.workers.dev' }),
  token: required(
    'Worker',
    text('<token>', /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}$/, 'an access token of scope ingest'),
    'access token (make one with `offhook token --scope ingest`)',
    {
      from: 'environment',
    },
  ),
  outboxUpdates: setting('Worker', integer(1000, 10_000_000), 100_000, 'updates kept while the Worker cannot be reached'),
  requestTimeout: setting('Worker', duration(SECOND, MINUTE), 10 * SECOND, 'an answer of the Worker is awaited for so long'),
  backoffMin: setting('Worker', duration(10, MINUTE), 500, 'first pause after a failed request to the Worker'),
  backoffMax: setting('Worker', duration(SECOND, HOUR), 30 * SECOND, 'longest pause after failed requests to the Worker'),
} as const;

/** What the shim runs by. Times in ms, sizes in bytes. */
export type ShimSettings = Values<typeof SHIM_SETTINGS>;
