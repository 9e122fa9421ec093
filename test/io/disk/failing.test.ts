import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { migrate } from '../../../shim/io/disk/schema.ts';
import { Disk, type DiskSettings, type DiskTrouble } from '../../../shim/io/disk.ts';
import { NOW, open, outboxPut, stateFolder } from './rows.ts';

const LONG = 'x'.repeat(3000);
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A journal whose disk can be full: `room` in pages. */
function smallDisk(settings: Partial<DiskSettings> = {}) {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  const troubles: DiskTrouble['state'][] = [];
  const well = Promise.withResolvers<void>();
  const onTrouble = (trouble: DiskTrouble) => {
    troubles.push(trouble.state);
    if (trouble.state === 'well-again') well.resolve();
  };
  const disk = new Disk(db, { folder: undefined, site: 'here', now: NOW, onTrouble, retryMin: 5, retryMax: 20, ...settings });
  closing.push(() => disk.close());
  const room = (pages: number) => db.exec(`PRAGMA max_page_count = ${pages}`);
  const rows = () => (db.prepare('SELECT count(*) AS n FROM outbox').get() as { n: number }).n;
  return { disk, troubles, well: well.promise, room, rows };
}

describe('Offhook disk: a disk that fails', () => {
  it('tells a full disk once, lets what waits for it go on, and writes everything when there is room again', async () => {
    const { disk, troubles, well, room, rows } = smallDisk();
    room(12);
    disk.write(Array.from({ length: 30 }, (_, i) => outboxPut(i, LONG)));
    expect(await disk.committed()).toBe(false);
    expect(rows()).toBe(0);
    expect(disk.failing).toBe(true);
    disk.write([outboxPut(30), { op: 'outbox-delete', epoch: NOW, sequence: 0 }]);
    expect(await disk.committed()).toBe(false);
    expect(disk.pending).toBe(31);
    room(100_000);
    await well;
    expect(rows()).toBe(30);
    expect(troubles).toEqual(['failing', 'well-again']);
    expect(disk.counters.errors).toBeGreaterThan(0);
    expect(disk.counters.lost).toBe(0);
    disk.write([outboxPut(31)]);
    expect(await disk.committed()).toBe(true);
  });

  it('loses nothing of a turn that writes more rows than one transaction holds', async () => {
    const { disk, rows } = smallDisk({ maxPending: 10 });
    disk.write(Array.from({ length: 25 }, (_, i) => outboxPut(i)));
    expect(await disk.committed()).toBe(true);
    expect(rows()).toBe(25);
    expect(disk.counters).toMatchObject({ commits: 3, lost: 0 });
  });

  it('keeps a bounded number of rows for it, and counts what is lost', () => {
    const { disk, room } = smallDisk({ maxPending: 10, retryMin: 60_000, retryMax: 60_000 });
    room(1);
    for (let i = 0; i < 25; i++) {
      disk.write([outboxPut(i, LONG), outboxPut(0, LONG)]);
      if (i === 0) expect(disk.commit()).toBe(false);
    }
    expect(disk.pending).toBe(10);
    expect(disk.counters.lost).toBe(15);
  });
});

describe('Offhook disk: kill -9', () => {
  it('finds everything that was committed, and nothing by halves', async () => {
    const folder = stateFolder();
    const child = spawn(process.execPath, [fileURLToPath(new URL('writer-process.ts', import.meta.url)), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let committed = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      committed = Number(line);
      if (committed >= 200) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    const { state, notes } = open(folder);
    expect(notes).toEqual([]);
    expect(state.outbox.length).toBeGreaterThanOrEqual(committed);
    expect(state.outbox.map(({ sequence }) => sequence)).toEqual(state.outbox.map((_, i) => i));
    expect(state.dialogs).toEqual([{ key: 'last', body: String(state.outbox.length - 1) }]);
  });
});
