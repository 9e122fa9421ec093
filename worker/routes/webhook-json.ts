import type { HookView } from '../objects/hook.ts';
import type { DeadLetter } from '../objects/hook-store.ts';
import { timestamp } from '../presence/index.ts';
import type { DeadLetterDocument, WebhookDocument } from '../protocol/index.ts';

/** A webhook as it is told: never with its secrets. */
export function webhookJson({ record, formerUntil, queue }: HookView): WebhookDocument {
  const { id, url, domain, users, detail, statuses, changes, description, createdAt, state } = record;
  const { waiting, retrying, oldestAt, lastReason, deadLetters, superseded, overflowed, overflowAt } = queue;
  return {
    id,
    url,
    domain,
    ...(users === null ? {} : { users }),
    detail,
    ...(statuses === null ? {} : { statuses }),
    changes,
    ...(description === undefined ? {} : { description }),
    // A webhook that is deleted is not there to be told of, and `done` is for watches.
    state: state as WebhookDocument['state'],
    createdAt: timestamp(createdAt),
    formerSecretsValidUntil: formerUntil.map(timestamp),
    queue: {
      waiting,
      retrying,
      oldest: oldestAt === null ? null : timestamp(oldestAt),
      lastFailure: lastReason,
      overflow: overflowAt === null ? null : { superseded, dead: overflowed, last: timestamp(overflowAt) },
    },
    deadLetters,
  };
}

/** A dead letter as it is told: what it said is told again by a replay, to the receiver alone. */
export function deadLetterJson({ id, user, at, failures, reason }: DeadLetter): DeadLetterDocument {
  return { id, user, at: timestamp(at), attempts: failures, reason };
}
