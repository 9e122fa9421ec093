import { canonicalAor, type SessionType } from '#protocol';

/** What calls of the addresses that a pattern matches are (FIG. 12, item 17): voice mail, a stream, a conference... */
export interface SessionRule {
  /** With `@`: matched against `user@host`, else against the user part or number; `*` stands for any characters, `?` for one, `\` takes the next as it is. */
  readonly pattern: string;
  readonly type: SessionType;
}

/** The type of the first rule that matches one of those URIs. */
export function ruleFor(rules: readonly SessionRule[], uris: readonly string[]): SessionType | undefined {
  if (rules.length === 0) return undefined;
  const addresses = uris.flatMap((uri) => canonicalAor(uri) ?? []).map((aor) => aor.slice(aor.indexOf(':') + 1));
  return rules.find(({ pattern }) =>
    addresses.some((address) => matches(pattern, pattern.includes('@') ? address : address.replace(/@[^@]*$/, ''))),
  )?.type;
}

/** Glob, in time that grows with the lengths' product at most: after a `*` that fails it is enough to go back to the last one. */
export function matches(pattern: string, text: string): boolean {
  const parts = tokensOf(pattern);
  let [p, t, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    const part = parts[p];
    if (part === ANY) {
      star = p++;
      mark = t;
    } else if (part === ONE || (part !== undefined && part === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (parts[p] === ANY) p++;
  return p === parts.length;
}

const ANY = Symbol('*');
const ONE = Symbol('?');

function tokensOf(pattern: string): (string | symbol)[] {
  const parts: (string | symbol)[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] as string;
    if (c === '\\' && i + 1 < pattern.length) parts.push(pattern[++i] as string);
    else parts.push(c === '*' ? ANY : c === '?' ? ONE : c);
  }
  return parts;
}
