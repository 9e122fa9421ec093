import { isIP } from 'node:net';
import { parseAddressRange } from '../core/address-set.ts';

/** What a text read as one kind of value came to; `expected` completes the sentence "must be ...". */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

/** A kind of value that a setting can have: how it is read from text, and how it is shown. */
export interface Kind<T> {
  /** What stands for the value in `--help`: `<duration>`; '' for a flag without value. */
  readonly placeholder: string;
  read(text: string): Reading<T>;
  /** The value as a person would write it; `read(show(v))` is v. */
  show(value: T): string;
  /** The values allowed, in words, for the reference; '' where the placeholder says it all. */
  readonly range: string;
}

const good = <T>(value: T): Reading<T> => ({ ok: true, value });
const bad = (expected: string): Reading<never> => ({ ok: false, expected });

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number, placeholder = '<n>'): Kind<number> {
  const range = `${min} to ${max}`;
  return {
    placeholder,
    range,
    show: String,
    read(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? good(value) : bad(`a whole number from ${range}`);
    },
  };
}

const DURATION_UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
type DurationUnit = keyof typeof DURATION_UNITS;

/** A length of time from `min` to `max`, all in ms: `500ms`, `60s`, `2m`, `4h`, `30d`; a bare number is seconds, as in SIP headers. */
export function duration(min: number, max: number): Kind<number> {
  const range = `${showDuration(min)} to ${showDuration(max)}`;
  return {
    placeholder: '<duration>',
    range,
    show: showDuration,
    read(text) {
      const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text);
      const unit = DURATION_UNITS[(match?.[2] ?? 's') as DurationUnit];
      const value = match ? Math.round(Number(match[1]) * unit) : Number.NaN;
      return value >= min && value <= max
        ? good(value)
        : bad(`a duration from ${range} (units ms, s, m, h, d; a bare number is seconds)`);
    },
  };
}

/** A length of time as `duration` reads it, or 0 for none. */
export function durationOrOff(min: number, max: number): Kind<number> {
  const kind = duration(min, max);
  return {
    ...kind,
    range: `0 or ${kind.range}`,
    show: (value) => (value === 0 ? '0' : kind.show(value)),
    read: (text) => (/^0(?:ms|s|m|h|d)?$/.test(text) ? good(0) : kind.read(text)),
  };
}

/** ms in the largest unit that leaves no fraction. */
export function showDuration(ms: number): string {
  for (const unit of Object.keys(DURATION_UNITS) as DurationUnit[]) {
    if (ms > 0 && ms % DURATION_UNITS[unit] === 0) return `${ms / DURATION_UNITS[unit]}${unit}`;
  }
  return `${ms}s`;
}

/** A size from `min` to `max` bytes: `16384`, `16KiB`, `1MiB`. */
export function size(min: number, max: number): Kind<number> {
  const range = `${showSize(min)} to ${showSize(max)}`;
  return {
    placeholder: '<size>',
    range,
    show: showSize,
    read(text) {
      const match = /^(\d{1,12})(?:(k|m)(?:i?b)?|b)?$/i.exec(text);
      const unit = match?.[2] ? (match[2].toLowerCase() === 'k' ? 1024 : 1024 * 1024) : 1;
      const value = match ? Number(match[1]) * unit : Number.NaN;
      return value >= min && value <= max ? good(value) : bad(`a size from ${range} (units KiB, MiB; a bare number is bytes)`);
    },
  };
}

/** Bytes in the largest unit that leaves no fraction. */
export function showSize(bytes: number): string {
  if (bytes > 0 && bytes % (1024 * 1024) === 0) return `${bytes / 1024 / 1024}MiB`;
  return bytes > 0 && bytes % 1024 === 0 ? `${bytes / 1024}KiB` : String(bytes);
}

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]): Kind<T> {
  return {
    placeholder: `<${words.join('|')}>`,
    range: '',
    show: (value) => value,
    read: (text) => ((words as readonly string[]).includes(text) ? good(text as T) : bad(`one of ${words.join(', ')}`)),
  };
}

/** On or off. As a flag it takes no value; in the environment it is `1` or `0` (or `true`, `false`). */
export const toggle: Kind<boolean> = {
  placeholder: '',
  range: '',
  show: (value) => (value ? 'on' : 'off'),
  read(text) {
    if (/^(1|true|yes|on)$/i.test(text)) return good(true);
    return /^(0|false|no|off)$/i.test(text) ? good(false) : bad('1 or 0');
  },
};

/** A text that a pattern describes. */
export function text(placeholder: string, pattern: RegExp, expected: string): Kind<string> {
  return { placeholder, range: '', show: (value) => value, read: (raw) => (pattern.test(raw) ? good(raw) : bad(expected)) };
}

/** An IP address to listen at, IPv6 with or without brackets; held without. */
export const address: Kind<string> = {
  placeholder: '<address>',
  range: '',
  show: (value) => value,
  read(raw) {
    const bare = raw.replace(/^\[(.*)\]$/, '$1');
    return isIP(bare) > 0 ? good(bare) : bad('an IP address, such as 127.0.0.1, 0.0.0.0 or ::1');
  },
};

/** One IP address or a range of them, `AddressSet.of` of core takes a list of these. */
export const addressRange: Kind<string> = {
  placeholder: '<address>',
  range: 'an IP address or a range such as 192.0.2.0/24',
  show: (value) => value,
  read: (raw) => (parseAddressRange(raw) ? good(raw) : bad('an IP address or a range such as 192.0.2.0/24 or 2001:db8::/32')),
};

/** An IP address and a port to listen at; an IPv6 address in brackets. */
export const addressAndPort: Kind<{ readonly address: string; readonly port: number }> = {
  placeholder: '<address:port>',
  range: '',
  show: ({ address: host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`,
  read(raw) {
    const [, host = '', port = ''] = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(raw) ?? [];
    const reading = address.read(host);
    const valid = reading.ok && Number(port) <= 65_535 && reading.value.includes(':') === host.startsWith('[');
    return valid ? good({ address: reading.value, port: Number(port) }) : bad('an IP address and a port, such as 127.0.0.1:9060');
  },
};

/** The host of an address of record, in lower case: a name, an IPv4 address, or an IPv6 address in brackets. */
export const domain: Kind<string> = {
  placeholder: '<domain>',
  range: '',
  show: (value) => value,
  read(raw) {
    const host = raw.toLowerCase();
    const bracketed = /^\[([0-9a-f:.]+)\]$/.exec(host);
    if (bracketed ? isIP(bracketed[1] as string) === 6 : /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(host)) return good(host);
    return bad('a host name, an IPv4 address, or an IPv6 address in brackets');
  },
};

/** An http or https URL without query and fragment; held without a slash at the end. */
export const webUrl: Kind<string> = {
  placeholder: '<url>',
  range: '',
  show: (value) => value,
  read(raw) {
    const url = URL.canParse(raw) ? new URL(raw) : undefined;
    const plain = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username && !url.password;
    return plain ? good(url.href.replace(/\/+$/, '')) : bad('an http or https URL without user, query and fragment');
  },
};

/** Several values of one kind, comma-separated or repeated, without repetitions; at least one, at most `max`. */
export function list<T>(kind: Kind<T>, max: number): Kind<readonly T[]> {
  return {
    placeholder: `${kind.placeholder},...`,
    range: kind.range,
    show: (values) => values.map((value) => kind.show(value)).join(','),
    read(raw) {
      const parts = raw.split(',').map((part) => part.trim());
      const values = new Set<T>();
      for (const part of parts) {
        const reading = kind.read(part);
        if (!reading.ok) return bad(`a comma-separated list, each ${reading.expected}; "${part.slice(0, 80)}" is not`);
        values.add(reading.value);
      }
      return values.size <= max ? good([...values]) : bad(`a list of at most ${max}`);
    },
  };
}
