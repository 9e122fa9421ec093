import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import type { PresenceDocument } from '#protocol';

const MAIN = join(import.meta.dirname, 'main.ts');
type Line = Pick<PresenceDocument, 'user' | 'status' | 'terminalStatus' | 'callStatus'> & { at: string };

function start(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const notes: string[] = [];
  child.stderr.on('data', (chunk) => notes.push(String(chunk)));
  return { child, notes, exited: once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]> };
}

describe('Offhook demo', () => {
  it('plays the story of FIG. 8 once: one JSON object a line, nothing else on stdout, exit code 0', async () => {
    const { child, notes, exited } = start('--once');
    const lines: Line[] = [];
    for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line) as Line);
    expect(await exited, notes.join('')).toEqual([0, null]);
    for (const line of lines) {
      expect(Object.keys(line)).toEqual(['at', 'user', 'status', 'terminalStatus', 'callStatus']);
    }
    const told = (user: string) =>
      lines.filter((line) => line.user === user).map((line) => `${line.terminalStatus} ${line.callStatus} ${line.status}`);
    expect(told('sip:bob@example.com')).toEqual([
      'online idle available',
      'online ringing ringing',
      'online talking talking',
      'offline-waiting talking offline-waiting',
      'offline terminating offline',
    ]);
    expect(told('sip:alice@example.com').slice(0, 4)).toEqual([
      'online idle available',
      'online calling calling',
      'online talking talking',
      'online terminating available',
    ]);
  }, 30_000);

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends in good order by %s in the middle of a call',
    async (signal) => {
      const { child, notes, exited } = start();
      for await (const line of createInterface({ input: child.stdout })) {
        if (line.includes('ringing')) break;
      }
      child.kill(signal);
      expect(await exited, notes.join('')).toEqual([0, null]);
    },
    30_000,
  );
});
