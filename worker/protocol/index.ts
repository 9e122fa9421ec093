/** The wire contract between shim, Worker and readers. Imports nothing; both halves use it as `#protocol`. */
export * from './aor.ts';
export * from './digest.ts';
export * from './lease.ts';
export * from './limits.ts';
export * from './override.ts';
export * from './past.ts';
export * from './presence.ts';
export * from './problem.ts';
export * from './reconcile.ts';
export * from './token.ts';
export * from './update.ts';
export * from './verdict.ts';
export * from './webhook.ts';
export * from './why.ts';
