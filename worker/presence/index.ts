/** What is true of one user: pure, without clock, network, disk or chance. */
export * from './apply.ts';
export * from './clock.ts';
export * from './compose.ts';
export * from './consistency.ts';
export * from './deadlines.ts';
export * from './detail.ts';
export * from './finish.ts';
export * from './group.ts';
export * from './held.ts';
export * from './lease.ts';
export * from './limits.ts';
export * from './override.ts';
export * from './record.ts';
export * from './set-override.ts';
export * from './stale.ts';
