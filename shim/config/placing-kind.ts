import { canonicalAor } from '#protocol';
import type { NumberRule } from '../core/placing/naming.ts';
import type { Kind } from './kind.ts';

/** Two values in one text, with `=` between them. */
export interface Pair<A, B> {
  readonly left: A;
  readonly right: B;
}

/** `left=right`, each of its own kind. */
export function pair<A, B>(left: Kind<A>, right: Kind<B>): Kind<Pair<A, B>> {
  return {
    placeholder: `${left.placeholder}=${right.placeholder}`,
    range: '',
    show: (value) => `${left.show(value.left)}=${right.show(value.right)}`,
    read(raw) {
      const equals = raw.indexOf('=');
      if (equals < 0) return { ok: false, expected: `${left.placeholder}=${right.placeholder}` };
      const first = left.read(raw.slice(0, equals).trim());
      if (!first.ok) return { ok: false, expected: `${first.expected} before the "="` };
      const second = right.read(raw.slice(equals + 1).trim());
      if (!second.ok) return { ok: false, expected: `${second.expected} after the "="` };
      return { ok: true, value: { left: first.value, right: second.value } };
    },
  };
}

/** The list, or nothing at all. */
export function orNone<T>(list: Kind<readonly T[]>): Kind<readonly T[]> {
  return { ...list, read: (raw) => (raw === '' ? { ok: true, value: [] } : list.read(raw)) };
}

const EXPECTED = '<number>=<user>@<domain> or <prefix>*=<user>@<domain>, where * in the user is what follows the prefix';

/**
 * Whose a number is: `+493012340=office@example.com` for one number, `+4930123*=*@example.com` for all that begin so. Visual separators
 * of the number (RFC 3966 5.1.1) do not count.
 */
export const numberRule: Kind<NumberRule> = {
  placeholder: '<number>=<user>@<domain>',
  range: '',
  show: ({ number, prefix, user, domain }) => `${number}${prefix ? '*' : ''}=${user}@${domain}`,
  read(raw) {
    const match = /^(\+?[0-9*#().-]*[0-9#()])(\*?)=([^@=\s]+)@([^@\s]+)$/.exec(raw);
    if (match === null) return { ok: false, expected: EXPECTED };
    const [, number, star, user, domain] = match as unknown as [string, string, string, string, string];
    const aor = canonicalAor(`sip:${user}@${domain}`);
    if (aor === undefined || user.split('*').length > 2) return { ok: false, expected: EXPECTED };
    return {
      ok: true,
      value: { number: number.replace(/[-.()]/g, ''), prefix: star === '*', user, domain: domain.toLowerCase() },
    };
  },
};
