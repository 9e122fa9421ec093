import type { DatabaseSync } from 'node:sqlite';
import type { JournalState, OutboxEntry } from '../../core/journal.ts';
import type { Binding } from '../../core/registrar/binding.ts';
import { type Flow, transportNamed } from '../../core/transport.ts';

interface BindingRow {
  aor: string;
  contact: string;
  call_id: string;
  cseq: number;
  q: number;
  since: number;
  expires_at: number;
  user_agent: string;
  flow: string;
  params: string;
}

/** Reads all that is kept. A binding whose flow cannot be read is left out and counted in `skipped`. */
export function load(db: DatabaseSync): JournalState & { readonly skipped: number } {
  const bindings: Binding[] = [];
  let skipped = 0;
  for (const found of db.prepare('SELECT * FROM binding').iterate()) {
    const row = found as unknown as BindingRow;
    const flow = readFlow(row.flow);
    if (flow === undefined) {
      skipped += 1;
      continue;
    }
    const { aor, contact, cseq, q, since, params } = row;
    bindings.push({
      aor,
      contact,
      callId: row.call_id,
      cseq,
      q,
      since,
      expiresAt: row.expires_at,
      userAgent: row.user_agent,
      flow,
      params,
    });
  }
  const dialogs = db.prepare('SELECT key, body FROM dialog').all() as unknown as { key: string; body: string }[];
  const outbox = db
    .prepare('SELECT epoch, sequence, user, at, body FROM outbox ORDER BY epoch, sequence')
    .all() as unknown as OutboxEntry[];
  return { bindings, dialogs, outbox, skipped };
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
