import * as z from 'zod';
import type { HookEvent, HookEventType } from '../../hooks/index.ts';
import { instant, presenceDocument } from './document.ts';

const timestamp = instant.describe('When it was taken for delivery.');

/** What is delivered to the URL of a webhook or a callback, by its type. */
export const HOOK_EVENTS = {
  'presence.changed': {
    id: 'presenceChanged',
    summary: 'A user changed, as a webhook is told',
    body: z
      .object({ type: z.literal('presence.changed'), timestamp, data: presenceDocument })
      .meta({ id: 'PresenceChanged', description: 'The document of a user after a change.' }),
  },
  'watch.fulfilled': {
    id: 'watchFulfilled',
    summary: 'It is so, as a callback is told',
    body: z
      .object({ type: z.literal('watch.fulfilled'), timestamp, data: presenceDocument })
      .meta({ id: 'WatchFulfilled', description: 'The document of a user whose status is what was waited for.' }),
  },
  'webhook.test': {
    id: 'webhookTested',
    summary: 'A test of a webhook',
    body: z
      .object({
        type: z.literal('webhook.test'),
        timestamp,
        data: z.object({ webhook: z.string().describe('Its id.') }),
      })
      .meta({ id: 'WebhookTested', description: 'Says nothing, but that the address and the secret are right.' }),
  },
} as const satisfies Record<
  HookEventType,
  { readonly id: string; readonly summary: string; readonly body: z.ZodType<HookEvent> }
>;
