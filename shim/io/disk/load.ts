import type { DatabaseSync } from 'node:sqlite';
import type { JournalState, OutboxEntry } from '../../core/journal.ts';
import type { Binding } from '../../core/registrar/binding.ts';
import { type Flow, transportNamed } from '../../core/transport.ts';

/** As the columns are named below. */
type BindingRow = [
  aor: string,
  contact: string,
  callId: string,
  cseq: number,
  q: number,
  since: number,
  expiresAt: number,
  userAgent: string,
  flow: string,
  params: string,
];
const BINDINGS = 'SELECT aor, contact, call_id, cseq, q, since, expires_at, user_agent, flow, params FROM binding';

/** Reads all that is kept. A binding whose flow cannot be read is left out and counted in `skipped`. */
export function load(db: DatabaseSync): JournalState & { readonly skipped: number } {
  const bindings: Binding[] = [];
  let skipped = 0;
  const rows = db.prepare(BINDINGS);
  // A hundred thousand rows are read at a start: as arrays they cost half of what they cost as objects.
  rows.setReturnArrays(true);
  for (const found of rows.iterate()) {
    const [aor, contact, callId, cseq, q, since, expiresAt, userAgent, text, params] = found as unknown as BindingRow;
    const flow = readFlow(text);
    if (flow === undefined) {
      skipped += 1;
      continue;
    }
    bindings.push({ aor, contact, callId, cseq, q, since, expiresAt, userAgent, flow, params });
  }
  const dialogs = db.prepare('SELECT key, body FROM dialog').all() as unknown as { key: string; body: string }[];
  const outbox = db
    .prepare('SELECT epoch, sequence, user, at, body FROM outbox ORDER BY epoch, sequence')
    .all() as unknown as OutboxEntry[];
  const known = db
    .prepare('SELECT aor FROM known')
    .all()
    .map(({ aor }) => String(aor));
  return { bindings, dialogs, outbox, known, skipped };
}

/** A flow as it was written. Its connection is gone with the process that had it. */
function readFlow(text: string): Flow | undefined {
  try {
    const { transport, local, remote } = JSON.parse(text) as Flow;
    if (transportNamed(String(transport)) !== transport || !isAddress(local) || !isAddress(remote)) return undefined;
    return { transport, local, remote };
  } catch {
    return undefined;
  }
}

function isAddress(value: unknown): boolean {
  const { address, port } = (value ?? {}) as { address?: unknown; port?: unknown };
  return typeof address === 'string' && Number.isInteger(port);
}
