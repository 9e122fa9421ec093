import type { ShimSettings } from '../config.ts';
import type { Log } from '../log.ts';

/** Where the shim takes SIP. */
export interface SipAddress {
  /** `udp`, `tcp` */
  readonly transport: string;
  readonly address: string;
  readonly port: number;
}

/** A shim that runs. */
export interface RunningShim {
  readonly addresses: readonly SipAddress[];
  /** Where it takes mirrored traffic, if it does. */
  readonly hep?: Pick<SipAddress, 'address' | 'port'> | undefined;
  /** The port of /metrics, /healthz and /status; undefined where there is none. */
  readonly adminPort: number | undefined;
  /** Goes on by other settings, as far as they can change while it runs; where that cannot be, says why and changes nothing. */
  reload(settings: ShimSettings): string[];
  /** Takes no new calls; resolves when what is under way is settled, within `drainTimeout`. */
  drain(): Promise<void>;
  /** Ends it; resolves when all is on disk and the sockets are closed. */
  close(): Promise<void>;
}

/** Starts a shim; rejects with a sentence where it cannot (an address that is in use). */
export type StartShim = (settings: ShimSettings, log: Log) => Promise<RunningShim>;
