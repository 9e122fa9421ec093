/** Who may do how much: pure, without clock, network, disk or chance. */
export * from './bucket.ts';
export * from './counters.ts';
export * from './limits.ts';
export * from './revocations.ts';
