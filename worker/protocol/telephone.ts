/** A telephone-subscriber (RFC 3966 3), in its canonical form. */
export interface Telephone {
  /** Without visual separators, in lower case; with the `+` where it is global. */
  readonly number: string;
  readonly global: boolean;
  /** `;ext=`, digits. */
  readonly extension?: string;
  /** `;isub=`, in lower case but for escapes. */
  readonly subaddress?: string;
  /** `;phone-context=`: a domain, or a global number. */
  readonly context?: string;
}

/** Reads a telephone-subscriber: what follows `tel:`, or the user part of a SIP URI with `user=phone`. Undefined where it is none. */
export function telephone(text: string): Telephone | undefined {
  if (/[^!-~]|[<>"@?]/.test(text)) return undefined;
  const [digits = '', ...params] = text.split(';');
  const number = withoutSeparators(digits);
  if (!/^(?:\+[0-9]+|[0-9a-f*#]+)$/.test(number)) return undefined;
  const told = new Map<string, string>();
  for (const param of params) {
    const [, name = '', value = ''] = /^([^=]+)(?:=(.*))?$/.exec(param) ?? [];
    // RFC 3966 3: no parameter may appear more than once.
    if (name === '' || told.has(name.toLowerCase())) return undefined;
    told.set(name.toLowerCase(), value);
  }
  const extension = read(told.get('ext'), extensionOf);
  const subaddress = read(told.get('isub'), subaddressOf);
  const context = read(told.get('phone-context'), contextOf);
  if (extension === null || subaddress === null || context === null) return undefined;
  return {
    number,
    global: number.startsWith('+'),
    ...(extension === undefined ? {} : { extension }),
    ...(subaddress === undefined ? {} : { subaddress }),
    ...(context === undefined ? {} : { context }),
  };
}

/** Undefined where there is no value, null where it cannot be read. */
function read(value: string | undefined, how: (value: string) => string | undefined): string | undefined | null {
  return value === undefined ? undefined : (how(value) ?? null);
}

/** RFC 3966 5.1.1: visual separators are for readers, and do not count where numbers are compared. */
function withoutSeparators(text: string): string {
  return text
    .replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/[-.()]/g, '')
    .toLowerCase();
}

function extensionOf(value: string): string | undefined {
  const digits = withoutSeparators(value);
  return /^[0-9]+$/.test(digits) ? digits : undefined;
}

/** Escapes of unreserved characters undone, others in upper case, all else in lower case (RFC 3966 4 compares without regard to case). */
function subaddressOf(value: string): string | undefined {
  if (!/^(?:[a-z0-9_.!~*'()-]|%[0-9a-f]{2})+$/i.test(value)) return undefined;
  return value.replace(/%[0-9a-f]{2}|[A-Z]+/gi, (part) => {
    if (!part.startsWith('%')) return part.toLowerCase();
    const char = String.fromCharCode(Number.parseInt(part.slice(1), 16));
    return /[A-Za-z0-9_.!~*'()-]/.test(char) ? char.toLowerCase() : part.toUpperCase();
  });
}

/** RFC 3966 3: descriptor = domainname / global-number-digits; the last label of a domainname begins with a letter. */
function contextOf(value: string): string | undefined {
  if (value.startsWith('+')) {
    const number = withoutSeparators(value);
    return /^\+[0-9]+$/.test(number) ? number : undefined;
  }
  const domain = value.toLowerCase().replace(/\.$/, '');
  return /^(?:[a-z0-9](?:[a-z0-9.-]*\.)?)?[a-z](?:[a-z0-9-]*[a-z0-9])?$/.test(domain) ? domain : undefined;
}
