import { readFile, stat } from 'node:fs/promises';
import type { ReplaySettingsGiven } from '../config/replay.ts';
import { readSettings, SHIM_SETTINGS } from '../config.ts';
import { readMessages } from '../core/capture/observe.ts';
import { type Replayed, replay as replayed } from '../core/capture/replay.ts';
import type { Report } from '../core/outbox/types.ts';
import { elementSettings } from '../element-settings.ts';
import { mirrorSettings } from '../passive.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** A larger capture is to be cut first (`editcap -c`, `tcpdump -C`), bytes: it is read as a whole. */
const LARGEST_FILE = 268_435_456;
/** Messages of a capture go to one outbox that nobody empties. */
const LARGEST_OUTBOX = 10_000_000;

/** `offhook replay FILE`: a capture in, the presence timeline out. */
export async function replay(path: string, settings: ReplaySettingsGiven, terminal: Terminal): Promise<number> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > LARGEST_FILE) throw new Error(`${size} bytes are too many: at most ${LARGEST_FILE} are read`);
    text = await readFile(path, 'latin1');
  } catch (error) {
    terminal.err(`offhook replay: ${(error as Error).message}\n`);
    return EXIT.failed;
  }
  const { element, mirror } = shimOf(settings);
  const { messages, skipped } = readMessages(text, element.messages);
  const domains = settings.domains === undefined ? undefined : new Set(settings.domains);
  const result = replayed(messages, { element, mirror, domains, registeredOnly: settings.registeredOnly });
  const passed = new Map([...skipped, ...result.skipped]);
  terminal.out(settings.json ? jsonLines(result, messages.length, passed) : lines(result, messages.length, passed));
  return EXIT.ok;
}

/** The settings of a passive shim; what a capture cannot tell is as by default. */
export function shimOf(given: Pick<ReplaySettingsGiven, 'talking' | 'terminating' | 'mirrorCap'>) {
  const flags = ['--worker-url=http://127.0.0.1', '--mode=passive', '--hep-listen=127.0.0.1:0', '--hep-allow=127.0.0.1'];
  const read = readSettings(SHIM_SETTINGS, flags, { OFFHOOK_TOKEN: 'none.none.none' });
  if (!read.ok) throw new Error('the defaults do not go together');
  const { talking, terminating, mirrorCap } = given;
  const settings = { ...read.settings, talking, terminating, mirrorCap, outboxUpdates: LARGEST_OUTBOX };
  return { element: elementSettings(settings, { epoch: 1, chance: () => 0.5 }), mirror: mirrorSettings(settings) };
}

function lines({ reports, users, assumed }: Replayed, messages: number, skipped: ReadonlyMap<string, number>): string {
  const out = reports.map(line);
  out.push('', `${messages} SIP messages, ${reports.length} reports`);
  for (const [what, count] of skipped) out.push(`passed over: ${count} x ${what}`);
  if (assumed.length > 0) out.push(`taken for registered: ${assumed.map(printable).join(', ')}`);
  out.push('', 'At the end:');
  for (const { user, terminals, calls } of users) {
    const states = calls.map(
      (call) => `${call.state} ${call.direction} ${call.peer.uri}, until ${when(call.deadline)} if no more is heard`,
    );
    out.push(printable(`  ${user}  ${terminals.length} registered  ${states.join('; ') || 'no call'}`));
  }
  if (users.length === 0) out.push('  nobody is known');
  return `${out.join('\n')}\n`;
}

/** `2026-11-24T10:00:00.123Z sip:alice@example.com talking outgoing sip:bob@example.com (call-1)`. */
function line(report: Report): string {
  const parts = [when('at' in report ? report.at : 0), report.user, report.status];
  if (report.status === 'online') parts.push(report.terminal.contact);
  else if (report.status === 'offline') parts.push(report.contact, report.reason);
  else if (report.status === 'idle') parts.push(reasonOf(report.reason));
  else if (report.status !== 'snapshot') {
    const { direction, peer, callId, held } = report.call;
    parts.push(direction, peer.uri, ...(held ? ['held'] : []), `(${callId})`);
    if ('reason' in report && report.reason) parts.push(reasonOf(report.reason));
  }
  return printable(parts.join(' '));
}

function reasonOf(reason: { readonly cause: string; readonly status?: number; readonly text?: string }): string {
  return [reason.cause, reason.status, reason.text].filter((part) => part !== undefined).join(' ');
}

function jsonLines({ reports, users, assumed }: Replayed, messages: number, skipped: ReadonlyMap<string, number>): string {
  const all = [
    ...reports,
    ...users.map((user) => ({ atEnd: user })),
    { messages, assumed, skipped: Object.fromEntries(skipped) },
  ];
  return all.map((one) => `${JSON.stringify(one)}\n`).join('');
}

const when = (ms: number): string => (Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms));

/** What a capture holds is others' words: no control character of theirs reaches the terminal. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
