/** Webhooks and one-shot watches, as far as they are decided: pure, without clock, network, disk or chance. */
export * from './address.ts';
export * from './backoff.ts';
export * from './deliveries.ts';
export * from './events.ts';
export * from './limits.ts';
export * from './record.ts';
