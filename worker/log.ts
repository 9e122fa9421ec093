/** Characters of an error's text that are logged. */
const TEXT = 300;

/**
 * Logs what went wrong, without what is a person's: names of users (whatever looks like an address or a number) and quoted text (a
 * parser quotes what it could not read) are left out. The only way by which the Worker logs.
 */
export function logError(what: string, error?: unknown): void {
  const why = error === undefined ? '' : `: ${plain(String(error))}`;
  console.error(`${what}${why}`, ...(error instanceof Error ? [framesOf(error)] : []));
}

/** A text without addresses, numbers of telephones and quotations. */
export function plain(text: string): string {
  return text
    .slice(0, 10 * TEXT)
    .replace(/"[^"]*("|$)/g, '"..."')
    .replace(/(?:sips?:|tel:)?[^\s<>"@]*@[^\s<>",;]+/gi, '(user)')
    .replace(/(?:sips?:|tel:)[^\s<>",]+/gi, '(user)')
    .replace(/\+?\d[\d-]{6,}/g, '(number)')
    .slice(0, TEXT);
}

/** Where it was thrown: lines of code, without the message that stands above them. */
function framesOf({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}
