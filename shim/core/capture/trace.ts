import type { Observed } from '../mirror/reorder.ts';
import { DEFAULT_PORT } from '../transport.ts';

/**
 * The line before a message: when, and from where to where. `# 2026-11-24T10:00:00.123Z 192.0.2.1:5060 -> 192.0.2.2:5060`, or as ngrep
 * (`U 2026/11/24 10:00:00.123456 a -> b`) and sngrep (without the letter) write it.
 */
const HEAD =
  /^(?:#\s*|[UT]\s+)?(?:(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?\s+)?(\[?[0-9a-fA-F.:]+?\]?):(\d{1,5})\s*->\s*(\[?[0-9a-fA-F.:]+?\]?):(\d{1,5})\b/;
const START = /^(?:SIP\/2\.0 \d{3} ?.*|[A-Za-z]+ \S+ SIP\/2\.0)$/;

/** Without a line of its own, a message is one second after the one before. */
const STEP = 1000;

/** What a text trace holds. */
export interface Trace {
  readonly messages: Observed[];
  /** Lines that belong to no message. */
  readonly skipped: number;
}

/**
 * Reads a text trace: SIP messages, one after the other, each from its start line to the next start line or head line. Lines may end with
 * LF alone. Content-Length is not asked: the body ends with the last line that is not empty. A message without a head line goes from
 * where its Via says to where its Request-URI or Via says. Never throws.
 */
export function readTrace(text: string): Trace {
  const messages: Observed[] = [];
  let skipped = 0;
  let head: Pick<Observed, 'at' | 'source' | 'destination' | 'transport'> | undefined;
  let lines: string[] | undefined;
  let last = 0;
  const done = () => {
    if (lines === undefined) return;
    const message = wholeOf(lines);
    const at = head?.at ?? last + STEP;
    last = Number.isFinite(at) ? at : last;
    messages.push({ ...(head ?? guessed(message)), at: last, text: message });
    head = undefined;
    lines = undefined;
  };
  for (const raw of text.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const found = HEAD.exec(line);
    if (found !== null) {
      done();
      head = headOf(found, line, last + STEP);
    } else if (START.test(line)) {
      done();
      lines = [line];
    } else if (lines !== undefined) lines.push(line);
    else if (line !== '' && line !== '#') skipped += 1;
  }
  done();
  return { messages, skipped };
}

function headOf(found: RegExpExecArray, line: string, otherwise: number) {
  const [, year, month, day, time, fraction = '', zone = 'Z', from = '', fromPort = '', to = '', toPort = ''] = found;
  const at = year === undefined ? otherwise : Date.parse(`${year}-${month}-${day}T${time}${fraction.slice(0, 4)}${zone}`);
  return {
    at: Number.isFinite(at) ? at : otherwise,
    transport: line.startsWith('T ') ? ('tcp' as const) : ('udp' as const),
    source: { address: from.replace(/[[\]]/g, '').toLowerCase(), port: portOf(fromPort) },
    destination: { address: to.replace(/[[\]]/g, '').toLowerCase(), port: portOf(toPort) },
  };
}

/** The message with CRLF and the Content-Length that its body has. */
function wholeOf(lines: readonly string[]): string {
  const blank = lines.indexOf('');
  const block = (blank < 0 ? lines : lines.slice(0, blank)).filter((line) => !/^(?:content-length|l)\s*:/i.test(line));
  const rest = blank < 0 ? [] : lines.slice(blank + 1);
  const end = rest.findLastIndex((line) => line !== '' && line !== '#');
  const body = rest
    .slice(0, end + 1)
    .map((line) => `${line}\r\n`)
    .join('');
  return `${block.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** 0 for what is no port. */
const portOf = (text: string): number => (Number(text) < 65_536 ? Number(text) : 0);

function guessed(message: string): Pick<Observed, 'source' | 'destination' | 'transport'> {
  const nowhere = { address: '0.0.0.0', port: 0 };
  const place = (found: RegExpExecArray | null) =>
    found === null ? nowhere : { address: found[1] as string, port: portOf(found[2] ?? String(DEFAULT_PORT)) };
  const via = place(/^(?:via|v)\s*:\s*SIP\/2\.0\/\w+\s+([^\s:;,]+)(?::(\d+))?/im.exec(message));
  if (message.startsWith('SIP/2.0')) return { source: nowhere, destination: via, transport: 'udp' };
  return { source: via, destination: place(/^\S+ sips?:(?:[^@\s]*@)?([^\s:;>]+)(?::(\d+))?/i.exec(message)), transport: 'udp' };
}
