import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { openDisk } from '../../../shim/io/disk.ts';
import { BINDING, entry, NOW, open, outboxPut, stateFolder } from './rows.ts';

describe('Offhook disk: what is kept', () => {
  it('gives back bindings, dialogs and waiting updates at the next start', () => {
    const folder = stateFolder();
    const first = open(folder);
    expect(first.state).toEqual({ bindings: [], dialogs: [], outbox: [], known: [] });
    first.disk.write([
      { op: 'binding-put', binding: BINDING },
      { op: 'binding-put', binding: { ...BINDING, contact: 'sip:gone@x' } },
      { op: 'dialog-put', key: 'd1', body: '{"a":1}' },
      { op: 'dialog-put', key: 'd2', body: '{}' },
      outboxPut(10),
      outboxPut(9, null),
      outboxPut(11, '{}', NOW - 1),
      outboxPut(12),
    ]);
    first.disk.commit();
    for (let twice = 0; twice < 2; twice++) first.disk.write([{ op: 'known-put', aor: BINDING.aor }]);
    first.disk.write([
      { op: 'binding-delete', aor: BINDING.aor, contact: 'sip:gone@x' },
      { op: 'dialog-put', key: 'd1', body: '{"a":2}' },
      { op: 'dialog-delete', key: 'd2' },
      { op: 'outbox-delete', epoch: NOW, sequence: 12 },
    ]);
    first.disk.close();
    const { state } = open(folder);
    const { connection: _, ...flow } = BINDING.flow;
    expect(state.bindings).toEqual([{ ...BINDING, flow }]);
    expect(state.dialogs).toEqual([{ key: 'd1', body: '{"a":2}' }]);
    expect(state.outbox).toEqual([entry(11, '{}', NOW - 1), entry(9, null), entry(10)]);
    expect(state.known).toEqual([BINDING.aor]);
  });

  it('writes more updates than one statement holds, and takes away those that are named and no others, in whatever order', () => {
    const folder = stateFolder();
    const first = open(folder);
    first.disk.write([outboxPut(3, '{}', NOW - 1), ...Array.from({ length: 37 }, (_, i) => outboxPut(i + 1))]);
    first.disk.commit();
    const gone = [5, 2, 3, 4, 9, 37, 30, 29, 36];
    first.disk.write(gone.map((sequence) => ({ op: 'outbox-delete', epoch: NOW, sequence })));
    first.disk.close();
    const left = Array.from({ length: 37 }, (_, i) => i + 1).filter((sequence) => !gone.includes(sequence));
    expect(open(folder).state.outbox).toEqual([entry(3, '{}', NOW - 1), ...left.map((sequence) => entry(sequence))]);
  });

  it('brings a file of the first version up to date, with all that is in it', () => {
    const folder = stateFolder();
    const first = open(folder);
    first.disk.write([{ op: 'dialog-put', key: 'd1', body: '{}' }]);
    first.disk.close();
    const db = new DatabaseSync(join(folder, 'shim.sqlite'));
    db.exec('DROP TABLE known; PRAGMA user_version = 1');
    db.close();
    const next = open(folder);
    expect(next.state).toMatchObject({ dialogs: [{ key: 'd1', body: '{}' }], known: [] });
    next.disk.write([{ op: 'known-put', aor: BINDING.aor }]);
    next.disk.close();
    expect(open(folder).state.known).toEqual([BINDING.aor]);
  });

  it('commits what one turn of the event loop wrote in one transaction, one row once', async () => {
    const { disk } = open(undefined);
    for (let i = 0; i < 50; i++) disk.write([outboxPut(i), { op: 'dialog-put', key: 'd', body: String(i) }]);
    expect(disk.counters.commits).toBe(0);
    expect(await disk.committed()).toBe(true);
    expect(disk.counters).toEqual({ commits: 1, rows: 51, errors: 0, lost: 0 });
    expect(await disk.committed()).toBe(true);
    expect(disk.pending).toBe(0);
  });

  it('gives each start a later epoch, though the clock goes back, and says so', () => {
    const folder = stateFolder();
    const epochs = [NOW, NOW + 5, NOW - 1000, NOW - 1000].map((now) => {
      const { disk, epoch, notes } = open(folder, { now });
      disk.close();
      expect(notes.some((note) => note.includes('clock'))).toBe(now < NOW);
      return epoch;
    });
    expect(epochs).toEqual([NOW, NOW + 5, NOW + 6, NOW + 7]);
  });

  it('does not send under a new name what waited under the old one', () => {
    const folder = stateFolder();
    const { disk } = open(folder);
    disk.write([outboxPut(1), { op: 'binding-put', binding: BINDING }]);
    disk.close();
    const { state, notes } = open(folder, { site: 'there' });
    expect(state.outbox).toEqual([]);
    expect(state.bindings).toHaveLength(1);
    expect(notes).toEqual([expect.stringContaining('1 waiting updates')]);
  });

  it('leaves out a binding whose flow cannot be read, and says so', () => {
    const folder = stateFolder();
    const { disk } = open(folder);
    disk.write([
      { op: 'binding-put', binding: BINDING },
      { op: 'binding-put', binding: { ...BINDING, contact: 'sip:b@x' } },
    ]);
    disk.close();
    const db = new DatabaseSync(join(folder, 'shim.sqlite'));
    db.prepare('UPDATE binding SET flow = ? WHERE contact = ?').run('{"transport":"udp"}', 'sip:b@x');
    db.close();
    const { state, notes } = open(folder);
    expect(state.bindings).toHaveLength(1);
    expect(notes).toEqual([expect.stringContaining('1 bindings')]);
  });
});

describe('Offhook disk: a state folder that cannot be used', () => {
  it('refuses a second shim on the same folder', () => {
    const folder = stateFolder();
    const { disk } = open(folder);
    expect(openDisk({ folder, site: 'here', now: NOW })).toMatchObject({ ok: false, reason: 'in-use' });
    disk.close();
    expect(openDisk({ folder, site: 'here', now: NOW })).toMatchObject({ ok: true });
  });

  it('says where the folder cannot be made', () => {
    const folder = stateFolder();
    writeFileSync(join(folder, 'file'), '');
    const result = openDisk({ folder: join(folder, 'file', 'state'), site: 'here', now: NOW });
    expect(result).toMatchObject({ ok: false, reason: 'unusable', detail: expect.stringContaining('shim.sqlite') });
  });

  it('does not touch a file of a later version', () => {
    const folder = stateFolder();
    open(folder).disk.close();
    const db = new DatabaseSync(join(folder, 'shim.sqlite'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    const result = openDisk({ folder, site: 'here', now: NOW });
    expect(result).toMatchObject({ ok: false, reason: 'unusable', detail: expect.stringContaining('later version') });
    expect(existsSync(join(folder, 'shim.sqlite.damaged'))).toBe(false);
  });

  it.each([
    ['garbage', () => Buffer.from('this is not a database, though it is long enough to be looked at as one'.repeat(100))],
    ['a damaged page', (good: Buffer) => good.fill(0xa5, 4096, good.length)],
  ])('moves a file with %s aside, says so, and starts empty', (_, damage) => {
    const folder = stateFolder();
    const path = join(folder, 'shim.sqlite');
    const { disk } = open(folder);
    disk.write(Array.from({ length: 500 }, (_, i) => outboxPut(i, 'x'.repeat(200))));
    disk.close();
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    const { state, notes, disk: anew } = open(folder);
    expect(state.outbox).toEqual([]);
    expect(notes).toEqual([expect.stringMatching(/damaged .* moved to .*shim\.sqlite\.damaged/)]);
    expect(readFileSync(`${path}.damaged`)).toEqual(damaged);
    anew.write([outboxPut(1)]);
    expect(anew.commit()).toBe(true);
  });
});
