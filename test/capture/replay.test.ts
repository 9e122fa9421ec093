import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dispatch } from '../../shim/cli/main.ts';
import { at, callMessages, type Mirrored, register } from '../mirror/mirrored.ts';
import { framed, pcapFile, udp } from '../support/pcap.ts';

const T0 = Date.UTC(2026, 10, 24, 10);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs `offhook replay` on a file with these bytes. */
async function replay(bytes: string, ...flags: string[]) {
  const file = join(folder, 'capture');
  await writeFile(file, bytes, 'latin1');
  let [out, err] = ['', ''];
  const terminal = {
    env: {},
    out: (text: string) => (out += text),
    err: (text: string) => (err += text),
    ending: new AbortController().signal,
  };
  const code = await dispatch(['replay', file, ...flags], terminal);
  return { code, out, err };
}

const captured = (messages: readonly Mirrored[]) =>
  pcapFile(messages.map(({ from, to, text }, i) => ({ at: T0 + i * 1000, bytes: framed(1, udp(at(from), at(to), text)) })));
const { invite, ring, ok, ack, bye, byeOk } = callMessages();
const call = [invite, ring, ok, ack, bye, byeOk].flat();

describe('Offhook replay of a capture', () => {
  it('prints the timeline, what was passed over, and the state at the end', async () => {
    const { code, out } = await replay(captured([...register('alice'), ...register('bob'), ...call]));
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      '2026-11-24T10:00:01.000Z sip:alice@example.com online sip:alice@192.0.2.11:5060',
      '2026-11-24T10:00:03.000Z sip:bob@example.com online sip:bob@192.0.2.12:5062',
      '2026-11-24T10:00:06.000Z sip:alice@example.com early outgoing sip:bob@example.com (call-1)',
      '2026-11-24T10:00:06.000Z sip:bob@example.com early incoming sip:alice@example.com (call-1)',
      '2026-11-24T10:00:08.000Z sip:alice@example.com talking outgoing sip:bob@example.com (call-1)',
      '2026-11-24T10:00:08.000Z sip:bob@example.com talking incoming sip:alice@example.com (call-1)',
      '2026-11-24T10:00:12.000Z sip:alice@example.com terminating outgoing sip:bob@example.com (call-1) bye',
      '2026-11-24T10:00:12.000Z sip:bob@example.com terminating incoming sip:alice@example.com (call-1) bye',
      '2026-11-24T10:00:14.000Z sip:alice@example.com idle bye',
      '2026-11-24T10:00:14.000Z sip:bob@example.com idle bye',
      '',
      '16 SIP messages, 10 reports',
      'passed over: 5 x message: seen before',
      '',
      'At the end:',
      '  sip:alice@example.com  1 registered  no call',
      '  sip:bob@example.com  1 registered  no call',
      '',
    ]);
  });

  it('takes who calls and answers for registered where the capture is of one call, unless told not to', async () => {
    const { out } = await replay(captured(call));
    expect(out).toContain('taken for registered: sip:alice@example.com, sip:bob@example.com');
    expect(out.match(/talking/g)).toHaveLength(2);
    expect((await replay(captured(call), '--registered-only')).out).toContain('0 reports');
    expect((await replay(captured(call), '--domains=example.org')).out).toContain('0 reports');
  });

  it('lets time go by between messages: a call whose end is missing ends by its cap', async () => {
    const late = pcapFile(
      [...invite, ...ok, ...register('carol')].map(({ from, to, text }, i) => ({
        at: T0 + (i < 4 ? i : 8_000_000),
        bytes: framed(1, udp(at(from), at(to), text)),
      })),
    );
    const { out } = await replay(late, '--mirror-cap=1h');
    expect(out).toContain('sip:alice@example.com idle hard-cap');
  });

  it('prints JSON lines', async () => {
    const { out } = await replay(captured(call), '--json');
    const all = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(all[0]).toMatchObject({ user: 'sip:alice@example.com', status: 'early' });
    expect(all.at(-1)).toMatchObject({ messages: 12, assumed: ['sip:alice@example.com', 'sip:bob@example.com'] });
  });

  it('reads a text trace, and makes nothing of a file that is neither', async () => {
    const text = call.map(({ from, to, text }) => `# ${at(from).join(':')} -> ${at(to).join(':')}\n${text}`).join('\n');
    expect((await replay(text)).out.match(/talking/g)).toHaveLength(2);
    expect((await replay('\x7fELF nothing\n\0\0')).out).toContain('0 SIP messages, 0 reports');
  });

  it('says which file it cannot read, and that it wants one', async () => {
    let err = '';
    const terminal = { env: {}, out: () => {}, err: (text: string) => (err += text), ending: new AbortController().signal };
    expect(await dispatch(['replay', join(folder, 'missing')], terminal)).toBe(1);
    expect(err).toContain('no such file');
    expect(await dispatch(['replay', '--json'], terminal)).toBe(2);
  });
});
