import type { Call } from './call.ts';

/** The row of a call on disk. */
export const callRecord = (call: Call): string => JSON.stringify(call);

/** A call from its row; undefined where the row is not one (written by another version, or damaged). */
export function parseCallRecord(text: string): Call | undefined {
  let value: Partial<Call> & { branch?: string };
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  // Versions before this one sent an INVITE on to one target alone.
  const { branch } = value;
  value.branches ??= typeof branch === 'string' && branch !== '' ? [{ branch }] : [];
  const strings = [value.key, value.callId, value.fromTag, value.phase, value.offer].every((s) => typeof s === 'string');
  const numbers = [value.cseq, value.startedAt, value.deadline, value.toldDeadline].every((n) => Number.isFinite(n));
  const lists =
    Array.isArray(value.branches) && Array.isArray(value.dialogs) && Array.isArray(value.legs) && Array.isArray(value.media);
  return strings && numbers && lists ? (value as Call) : undefined;
}
