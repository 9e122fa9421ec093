import type { ReadStream } from 'node:tty';

/** Longest line taken, characters. */
const MAX_LINE = 1024;

/** One line of standard input, without its end. At a terminal it is asked for, and what is typed is not shown. */
export async function readLine(prompt: string, stdin: NodeJS.ReadableStream & Partial<ReadStream>): Promise<string> {
  const hidden = stdin.isTTY === true && stdin.setRawMode !== undefined;
  if (hidden) {
    process.stderr.write(prompt);
    stdin.setRawMode?.(true);
  }
  let line = '';
  try {
    stdin.setEncoding('utf8');
    for await (const chunk of stdin) {
      for (const char of String(chunk)) {
        if (char === '\n' || char === '\r' || char === '\u0004') return line;
        if (hidden && char === '\u0003') return '';
        line = hidden && (char === '\u007f' || char === '\b') ? line.slice(0, -1) : line + char;
        if (line.length > MAX_LINE) return '';
      }
    }
    return line;
  } finally {
    if (hidden) {
      stdin.setRawMode?.(false);
      process.stderr.write('\n');
    }
    stdin.pause();
  }
}
