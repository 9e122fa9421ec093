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
  /** Ends it; resolves when all is on disk and the sockets are closed. */
  close(): Promise<void>;
}

/** Starts a shim; rejects with a sentence where it cannot (an address that is in use). */
export type StartShim = (settings: ShimSettings, log: Log) => Promise<RunningShim>;
