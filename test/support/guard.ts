import { AddressSet } from '../../shim/core/address-set.ts';
import type { GuardSettings } from '../../shim/core/guard/guard.ts';
import { DEFAULT_SCANNERS } from '../../shim/core/guard/scanners.ts';

/** Low limits; 127.0.0.2 is exempt. */
export const GUARD: GuardSettings = {
  exempt: AddressSet.of(['127.0.0.2']),
  messages: { rate: 100, burst: 100 },
  registers: { rate: 10, burst: 20 },
  banAfter: 5,
  banWindow: 600_000,
  banTime: 300_000,
  banMax: 3_600_000,
  scanners: DEFAULT_SCANNERS,
  sourceCalls: 2,
  sourceBindings: 2,
  sourceConnections: 2,
  maxSources: 100,
  maxFlows: 100,
  registrationsProven: false,
};
