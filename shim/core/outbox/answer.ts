import type { LeaseAnswer, ReconcileAnswer, UpdateAnswer, Verdict } from '#protocol';

/**
 * Reads the answer to a batch of `count` updates. The answer comes over the network: undefined where it is anything else than one
 * well-formed verdict an item.
 */
export function parseAnswer(text: string, count: number): UpdateAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const results = isRecord(value) ? value.results : undefined;
  if (!Array.isArray(results) || results.length !== count || !results.every(isVerdict)) return undefined;
  const lease = isRecord(value) && isLease(value.lease) ? value.lease : undefined;
  return { results, ...(lease === undefined ? {} : { lease }) };
}

/** Reads the answer to a range of digests; undefined where it is anything else than one. */
export function parseReconcileAnswer(text: string): ReconcileAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || !isLease(value.lease) || typeof value.more !== 'boolean' || !Array.isArray(value.differ))
    return undefined;
  const { lease, differ, more } = value;
  return differ.every((user) => typeof user === 'string') ? { lease, differ, more } : undefined;
}

/** A lease that cannot be read is none: the verdicts count all the same. */
function isLease(value: unknown): value is LeaseAnswer {
  if (!isRecord(value) || !isCount(value.duration) || !isCount(value.epoch) || !isCount(value.round)) return false;
  return value.duration > 0 && (value.state === 'held' || value.state === 'reconcile' || value.state === 'superseded');
}

function isVerdict(value: unknown): value is Verdict {
  if (!isRecord(value) || !isCount(value.sequence)) return false;
  switch (value.verdict) {
    case 'accepted':
    case 'duplicate':
      return isCount(value.version);
    case 'stale':
      return isPlace(value.last);
    case 'gap':
      return value.last === null || isPlace(value.last);
    case 'rejected':
      return typeof value.field === 'string' && typeof value.reason === 'string';
    case 'retry':
      return typeof value.reason === 'string';
    default:
      return false;
  }
}

function isPlace(value: unknown): boolean {
  return isRecord(value) && isCount(value.epoch) && isCount(value.sequence);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
