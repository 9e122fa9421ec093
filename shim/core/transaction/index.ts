/** The transaction layer (RFC 3261 17, RFC 6026): four machines as tables, and the table of all transactions alive. */
export { clientKey, hasMagicCookie, MAGIC_COOKIE } from './key.ts';
export { type TransactionCounters, TransactionTable } from './table.ts';
export { timeToT2, transactionLife } from './timers.ts';
export * from './types.ts';
