import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Admin, startAdmin } from './admin/server.ts';
import type { ShimStatus } from './admin/status.ts';
import { outsideOf } from './advertised.ts';
import type { ShimSettings } from './config.ts';
import { Element, type ElementSettings } from './core/element/element.ts';
import type { Guard } from './core/guard/guard.ts';
import { SiteLease } from './core/lease/lease.ts';
import { Self } from './core/proxy/self.ts';
import type { Address, Flow, ListenPoint } from './core/transport.ts';
import { drain } from './drain.ts';
import { elementSettings } from './element-settings.ts';
import { worstGhost } from './ghost.ts';
import { type CertificateSettings, readCertificates } from './io/certificates.ts';
import { systemClock } from './io/clock.ts';
import type { Welcome } from './io/connections.ts';
import { openDisk } from './io/disk.ts';
import { systemDns } from './io/dns.ts';
import { createHashes } from './io/hashes.ts';
import { systemLocator } from './io/locate.ts';
import { Locations } from './io/locations.ts';
import { createNetwork, type Network } from './io/network.ts';
import { OutboxLog } from './io/outbox-log.ts';
import { createSender } from './io/sender.ts';
import { logStanding, Shell } from './io/shell.ts';
import { loadUsers } from './io/users.ts';
import { createTrace } from './log/trace.ts';
import { type Log, traceOf } from './log.ts';
import { type Passive, startPassive } from './passive.ts';
import { VERSION } from './version.ts';

export type { ShimStatus } from './admin/status.ts';

/** A running shim. */
export interface RunningShim {
  /** Where it takes SIP, with the ports that it was given. */
  readonly addresses: readonly ListenPoint[];
  /** Where it takes what is mirrored by HEP, over UDP and TCP; undefined where it does not. */
  readonly hep: Address | undefined;
  /** The port of /metrics, /healthz and /status; undefined where there is none. */
  readonly adminPort: number | undefined;
  /** What it holds at the moment, and totals since start. */
  status(): ShimStatus;
  /** Reads the certificates again. Connections that are open go on. Throws, and changes nothing, where one of them cannot be used. */
  reloadCertificates(settings: CertificateSettings): void;
  /** Reads users and their passwords anew; where something is wrong with them it is logged, and those from before stay. */
  reloadUsers(): void;
  /**
   * Goes on by other settings, as far as they can change while it runs (`config/live.ts`), and reads again the files that they name. Where
   * one of those cannot be used nothing changes, and the sentences that come back say so.
   */
  reload(settings: ShimSettings): string[];
  /** Refuses new calls; resolves when what is under way is settled, at the latest after `drainTimeout`. */
  drain(): Promise<void>;
  /** Lets a request to the Worker that is under way end, for a second at most, and closes everything. What then waits is on disk. */
  close(): Promise<void>;
}

/** Starts the shim: state from disk, then the sockets, then the Worker is told. Rejects with a sentence where that is not possible. */
export async function startShim(startSettings: ShimSettings, log: Log): Promise<RunningShim> {
  let settings = startSettings;
  const clock = systemClock;
  const startedAt = clock.now();
  const userSourcesOf = ({ noPersistence, stateDir, usersFile, authAlgorithms }: ShimSettings) => ({
    folder: noPersistence ? undefined : stateDir,
    file: usersFile,
    algorithms: authAlgorithms,
  });
  const found = settings.auth === 'digest' ? loadUsers(userSourcesOf(settings)) : undefined;
  if (found?.ok === false) throw new Error(found.problems.join('\n'));
  warnOfOpenDoors(settings, found?.users.size, log);
  const opened = openDisk({
    folder: settings.noPersistence ? undefined : settings.stateDir,
    site: settings.site,
    now: clock.now(),
    onTrouble: (trouble) =>
      trouble.state === 'failing'
        ? log.error('the disk fails, calls go on', { detail: trouble.detail })
        : log.info('the disk is well again'),
  });
  if (!opened.ok) throw new Error(`state folder ${settings.stateDir}: ${opened.detail}`);
  const { disk, state, epoch, notes } = opened;
  for (const note of notes) log.warn(note);

  let shell: Shell | undefined;
  let guard: Guard | undefined;
  let network: Network;
  let trace = createTrace(settings, log);
  const onMessage = (text: string, flow: Flow) => {
    trace?.received(text, flow);
    shell?.receive(text, flow);
  };
  try {
    const welcome: Welcome = (address, open) => guard?.welcomes(address, open, clock.now()) ?? true;
    network = await listen(settings, { onMessage, welcome }, log);
  } catch (error) {
    disk.close();
    throw error;
  }
  const prefix = randomBytes(8).toString('hex');
  let count = 0;
  const unique = () => `${prefix}${(count++).toString(36)}`;
  const domainsOf = ({ domains, aliases }: ShimSettings) => [...domains, ...aliases.map(({ left }) => left)];
  const self = new Self(
    network.addresses.map(named),
    domainsOf(settings),
    network.addresses.flatMap(behind),
    outsideOf(settings),
  );
  const own = { epoch, chance: Math.random, compares: true };
  const locations = new Locations({
    dns: systemDns(settings.dnsServers),
    transports: new Set(network.addresses.map(({ transport }) => transport)),
  });
  const keepLocated = ({ upstream, placing }: ElementSettings) =>
    void locations.keep([...(upstream ? [upstream] : []), ...placing.routes.values()]);
  const hashes = createHashes();
  const element = new Element(elementSettings(settings, own), {
    ...{ self, unique, mac: hashes.mac },
    locate: (target) => locations.of(target),
    ...(found ? { authentication: { users: found.users, hashes } } : {}),
  });
  guard = element.guard;
  const { outbox } = element.presence;
  const lease = new SiteLease(
    { chance: Math.random },
    outbox,
    element.presence.holdings(() => clock.now()),
  );
  const outboxLog = new OutboxLog(log, clock, settings.logBurst);
  const sender = createSender({
    url: settings.workerUrl,
    token: settings.token,
    outbox,
    lease,
    disk,
    clock: () => clock.now(),
    onEvent: (event) => outboxLog.tell(event),
    onStanding: (standing) => logStanding(log, standing),
    timeout: settings.requestTimeout,
  });
  keepLocated(elementSettings(settings, own));
  shell = new Shell({
    element,
    send: (text, target, onFailure) => {
      trace?.sent(text, target);
      network.send(text, target, onFailure);
    },
    journal: disk,
    wake: () => sender.poke(),
    onOutbox: (event) => outboxLog.tell(event),
    clock,
    log,
    maxWaiting: settings.strangersWaiting,
  });
  shell.run(element.restore(state, clock.now()));
  sender.poke();
  let passive: Passive | undefined;
  const { table, location, presence } = element;
  const status = (): ShimStatus => ({
    version: VERSION,
    site: settings.site,
    pid: process.pid,
    startedAt,
    now: clock.now(),
    draining: element.draining,
    addresses: network.addresses.map((point) => `${point.transport} ${hostPort(point)}`),
    hep: passive?.hep.address && hostPort(passive.hep.address),
    bindings: location.size,
    calls: presence.tracker.calls.size,
    transactions: table.size,
    connections: network.connections,
    outbox: { pending: outbox.pending, oldest: outbox.oldest },
    lease: lease.standing,
    disk: { failing: disk.failing, pending: disk.pending },
    deadlines: {
      transactions: table.nextDeadline(),
      bindings: location.nextDeadline(),
      calls: presence.nextDeadline(),
      outbox: outbox.nextDeadline(),
    },
    ghost: worstGhost(settings),
    counters: {
      element: element.counters,
      authentication: element.authorization?.counters ?? {},
      guard: element.guard?.counters ?? {},
      transactions: table.counters,
      presence: { untracked: presence.tracker.untracked, untold: presence.reporter.untold },
      outbox: outbox.counters,
      lease: lease.counters,
      network: network.counters,
      disk: disk.counters,
      ...(passive
        ? { hep: passive.hep.counters, hepMalformed: byName(passive.hep.counters.malformed), mirror: passive.mirror.counters }
        : {}),
    },
  });
  const close = async () => {
    await passive?.close();
    shell?.close();
    locations.close();
    await network.close();
    await sender.close();
    outboxLog.close();
    disk.close();
  };
  const stateDir = settings.noPersistence ? undefined : settings.stateDir;
  const place = { host: settings.adminHost, port: settings.adminPort, stateDir };
  let admin: Admin;
  try {
    passive = await startPassive(settings, { element, shell, unique }, log);
    admin = await startAdmin({ ...place, status, outboxAge: () => settings.healthOutboxAge, log });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    addresses: network.addresses,
    hep: passive?.hep.address,
    adminPort: admin.port,
    status,
    reloadCertificates: (changed) => network.reload(readCertificates(changed)),
    reloadUsers: () => {
      if (element.authorization === undefined) return;
      const read = loadUsers(userSourcesOf(settings));
      if (read.ok) element.authorization.authenticator.users = read.users;
      else for (const problem of read.problems) log.error('users are not read anew', { problem });
    },
    reload: (next) => {
      const users = element.authorization && loadUsers(userSourcesOf(next));
      if (users?.ok === false) return [...users.problems];
      try {
        network.reload(readCertificates(next));
      } catch (error) {
        return [(error as Error).message];
      }
      settings = next;
      outboxLog.burst = next.logBurst;
      if (element.authorization && users?.ok) element.authorization.authenticator.users = users.users;
      trace = createTrace(settings, log);
      const changed = elementSettings(settings, own);
      element.reconfigure(changed, domainsOf(settings));
      keepLocated(changed);
      return [];
    },
    drain: () =>
      drain({ element, outbox, lease, clock, tell: ({ ops }) => disk.write(ops), poke: () => sender.poke() }, settings),
    close: async () => {
      await admin.close();
      await close();
    },
  };
}

/** Reasons as names of counters: `not-hep` is `notHep`. */
function byName(totals: { readonly [reason: string]: number }): { [name: string]: number } {
  return Object.fromEntries(
    Object.entries(totals).map(([reason, count]) => [reason.replace(/-(.)/g, (_, c: string) => c.toUpperCase()), count]),
  );
}

/** What whoever runs it must know, before anybody else finds out. */
function warnOfOpenDoors(settings: ShimSettings, users: number | undefined, log: Log): void {
  const beyond = (settings.mode === 'passive' ? [] : settings.sipHost).filter((host) => !/^\[?(127\.|::1\]?$)/.test(host));
  if (settings.auth === 'off' && beyond.length > 0) {
    log.warn('NO AUTHENTICATION: whoever reaches this address can register and call as anybody (set auth to digest)', {
      addresses: beyond.join(','),
    });
  }
  if (users === 0) log.warn('authentication is on and there is no user: nobody can register (offhook user add)');
}

/** Every address over UDP and TCP, on one port (0 takes one that is free for both), and over whatever else is set. */
async function listen(
  settings: ShimSettings,
  handlers: Pick<Parameters<typeof createNetwork>[0], 'onMessage' | 'welcome'>,
  log: Log,
): Promise<Network> {
  const { sipPort } = settings;
  // In passive mode nothing stands in the way of calls: no SIP is taken.
  const sipHost = settings.mode === 'passive' ? [] : settings.sipHost;
  const limits = {
    message: { headerBytes: settings.headerBytes, headerCount: settings.headerCount, bodyBytes: settings.bodyBytes },
    connections: settings.tcpConnections,
    idle: settings.tcpIdle,
  };
  const tls = readCertificates(settings);
  const others: [ListenPoint['transport'], number | undefined][] = [
    ['tls', tls.certificates.length > 0 ? settings.tlsPort : undefined],
    ['ws', settings.wsPort],
    ['wss', settings.wssPort],
  ];
  for (let attempt = 1; ; attempt++) {
    const port = sipPort === 0 ? await freePort(sipHost[0] ?? '127.0.0.1') : sipPort;
    const points = sipHost.flatMap((host): ListenPoint[] => {
      const address = host.replace(/^\[|\]$/g, '');
      return [
        { transport: 'udp', address, port },
        { transport: 'tcp', address, port },
        ...others.flatMap(([transport, port]) => (port === undefined ? [] : [{ transport, address, port }])),
      ];
    });
    try {
      return await createNetwork({
        listen: points,
        limits,
        tls,
        locator: systemLocator(settings.dnsServers),
        origins: settings.wsOrigins,
        ...handlers,
        onError: (error, from) => {
          if (from === 'socket') log.warn('network', { error: error.message });
          else log.error('defect in the handling of a message', { error: traceOf(error) });
        },
      });
    } catch (error) {
      if (sipPort !== 0 || attempt === 5) throw error;
    }
  }
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, host.replace(/^\[|\]$/g, ''), () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Others cannot send to a wildcard address: the first address of the machine of that family stands for it in Via and Record-Route. */
function named(point: ListenPoint): ListenPoint {
  const all = interfacesBehind(point);
  const chosen = all.find((i) => !i.internal && !i.address.startsWith('fe80')) ?? all[0];
  return chosen ? { ...point, address: chosen.address } : point;
}

/** `127.0.0.1:5060`, `[::1]:5060` */
const hostPort = ({ address, port }: { readonly address: string; readonly port: number }) =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** All addresses that a wildcard address stands for: a phone may name any of them as its proxy. */
function behind(point: ListenPoint): string[] {
  return interfacesBehind(point).map((i) => i.address);
}

function interfacesBehind({ address }: ListenPoint) {
  if (address !== '0.0.0.0' && address !== '::') return [];
  const family = address === '::' ? 'IPv6' : 'IPv4';
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((i) => i.family === family);
}
