/** Where a key stands in a file; both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * The places of the keys of a TOML text, by their whole path (`registrar.min-expires`), and those of the table headers (`registrar`). The
 * parser that gives the values tells no places. The text is one that it has read without an error, so this scan need not check it:
 * statements, headers, and values that are stepped over.
 */
export function tomlKeys(text: string): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  let table: readonly string[] = [];
  let [at, line, lineStart] = [0, 1, 0];

  const here = (): Place => ({ line, column: at - lineStart + 1 });
  const note = (path: readonly string[], place: Place) => {
    for (let n = 1; n <= path.length; n++) {
      const name = path.slice(0, n).join('.');
      if (!places.has(name)) places.set(name, place);
    }
  };
  /** One character on; counts lines. */
  const step = () => {
    if (text[at++] === '\n') {
      line += 1;
      lineStart = at;
    }
  };
  const blanks = () => {
    while (text[at] === ' ' || text[at] === '\t') at += 1;
  };
  const comment = () => {
    while (at < text.length && text[at] !== '\n') at += 1;
  };
  /** A string, from its first quote to behind its last one; gives what is between. */
  const string = (): string => {
    const quote = text[at] as string;
    const end = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote;
    for (let i = 0; i < end.length; i++) step();
    const from = at;
    while (at < text.length && !text.startsWith(end, at)) {
      if (quote === '"' && text[at] === '\\') step();
      step();
    }
    const between = text.slice(from, at);
    for (let i = 0; i < end.length; i++) step();
    // Up to two quotes may stand right before the end of a multi-line string.
    while (end.length === 3 && text[at] === quote) step();
    return between;
  };
  /** A key, dotted or not. */
  const path = (): string[] => {
    const parts: string[] = [];
    for (;;) {
      blanks();
      if (text[at] === '"' || text[at] === "'") parts.push(string());
      else {
        const from = at;
        while (/[\w-]/.test(text[at] ?? '')) at += 1;
        parts.push(text.slice(from, at));
      }
      blanks();
      if (text[at] !== '.') return parts;
      at += 1;
    }
  };
  /** A value, to the end of its line where no bracket is open. */
  const value = () => {
    for (let depth = 0; at < text.length; ) {
      const char = text[at];
      if (char === '\n' && depth === 0) return;
      if (char === '"' || char === "'") string();
      else if (char === '#') comment();
      else {
        if (char === '[' || char === '{') depth += 1;
        if (char === ']' || char === '}') depth -= 1;
        step();
      }
    }
  };

  while (at < text.length) {
    const char = text[at] as string;
    if (/\s/.test(char) || char === '\uFEFF') step();
    else if (char === '#') comment();
    else if (char === '[') {
      const place = here();
      while (text[at] === '[') at += 1;
      table = path();
      note(table, place);
      comment();
    } else {
      const place = here();
      note([...table, ...path()], place);
      at += 1;
      value();
    }
  }
  return places;
}
