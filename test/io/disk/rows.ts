import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { JournalOp, OutboxEntry } from '../../../shim/core/journal.ts';
import type { Binding } from '../../../shim/core/registrar/binding.ts';
import { type Disk, type DiskSettings, openDisk } from '../../../shim/io/disk.ts';

export const NOW = Date.UTC(2026, 10, 22, 10);

export const BINDING: Binding = {
  aor: 'sip:alice@example.com',
  contact: 'sip:alice@192.0.2.1:5062;x=\u00e9\u0000',
  callId: 'c1',
  cseq: 2_147_483_647,
  q: 0.5,
  since: NOW,
  expiresAt: NOW + 60_000,
  userAgent: 'Phone/1',
  flow: { transport: 'tcp', local: { address: '::1', port: 5060 }, remote: { address: '::1', port: 40_000 }, connection: 7 },
  params: ';+sip.instance="<urn:x>"',
};

export const entry = (sequence: number, body: string | null = '{}', epoch = NOW): OutboxEntry => ({
  epoch,
  sequence,
  user: BINDING.aor,
  at: NOW,
  body,
});

export const outboxPut = (sequence: number, body?: string | null, epoch?: number): JournalOp => ({
  op: 'outbox-put',
  entry: entry(sequence, body, epoch),
});

const folders: string[] = [];
const disks: Disk[] = [];
afterEach(() => {
  for (const disk of disks.splice(0)) disk.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder of the test's own, gone after it. */
export function stateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'offhook-disk-'));
  folders.push(folder);
  return folder;
}

/** Opens a state folder that can be opened. */
export function open(folder: string | undefined, settings: Partial<DiskSettings> = {}) {
  const result = openDisk({ folder, site: 'here', now: NOW, ...settings });
  if (!result.ok) throw new Error(result.detail);
  disks.push(result.disk);
  return result;
}
