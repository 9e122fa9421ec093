import { openDisk } from '../../../shim/io/disk.ts';

/** A process that writes an update and the number of the last one in each transaction, tells each commit, and never ends by itself. */
const result = openDisk({ folder: process.argv[2], site: 'here', now: 1 });
if (!result.ok) throw new Error(result.detail);
const { disk, epoch } = result;
const user = 'sip:alice@example.com';
for (let sequence = 0; sequence < 1_000_000; sequence++) {
  disk.write([
    { op: 'outbox-put', entry: { epoch, sequence, user, at: 0, body: '{}' } },
    { op: 'dialog-put', key: 'last', body: String(sequence) },
  ]);
  await disk.committed();
  process.stdout.write(`${sequence + 1}\n`);
}
