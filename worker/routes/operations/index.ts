import type { Operation } from '../operation.ts';
import { ADMINISTRATION_OPERATIONS } from './administration.ts';
import { DOMAIN_OPERATIONS } from './domains.ts';
import { BARE_OPERATIONS, PAGE_OPERATIONS } from './pages.ts';
import { PRESENCE_OPERATIONS } from './presence.ts';
import { referenceOperations } from './reference.ts';
import { UPDATE_OPERATIONS } from './updates.ts';
import { WATCH_OPERATIONS } from './watch.ts';
import { WEBHOOK_OPERATIONS } from './webhooks.ts';

export { BARE_OPERATIONS } from './pages.ts';

/** What is answered where a secret is set, in the order in which the reference shows it. */
export const OPERATIONS: readonly Operation[] = [
  ...PRESENCE_OPERATIONS,
  ...DOMAIN_OPERATIONS,
  ...WATCH_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  ...UPDATE_OPERATIONS,
  ...ADMINISTRATION_OPERATIONS,
  ...PAGE_OPERATIONS,
  ...referenceOperations(() => ALL_OPERATIONS),
];

/** Every request that the Worker takes. */
export const ALL_OPERATIONS: readonly Operation[] = [...OPERATIONS, ...BARE_OPERATIONS];
