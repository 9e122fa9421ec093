import type { Kind } from './kind.ts';

/**
 * One row of a settings table. Its names come from the row's key: `sipPort` is `--sip-port`, `OFFHOOK_SIP_PORT`, and `sip-port` in the
 * section of its group in the configuration file.
 */
export interface Setting<T> {
  /** One line: what it is, with the RFC section where one gives it. */
  readonly doc: string;
  readonly group: Group;
  readonly kind: Kind<Exclude<T, undefined>>;
  /** The value where none is given; a function where it depends on the machine. */
  readonly default: T | (() => T);
  /** Says the default in words where `kind.show` would not do. */
  readonly defaultText?: string;
  /** A value for the example file, where there is no default to show. */
  readonly example?: string;
  /** Must be given: there is no default. */
  readonly required?: true;
  /**
   * Where it may come from. A secret comes only from the environment: flags are visible to every user of the machine, and files are copied
   * and shown around. 'flag and environment' is the file too.
   */
  readonly from: 'flag and environment' | 'flag' | 'environment';
}

/** Headings of the reference, in its order. */
export const GROUPS = [
  'Addresses',
  'TLS',
  'Placing',
  'Mirrored traffic',
  'State',
  'Operation',
  'Presence',
  'Registrar',
  'Authentication and protection',
  'Calls and transactions',
  'Messages and connections',
  'Worker',
  'Token',
] as const;
export type Group = (typeof GROUPS)[number];

/** A settings table: what one command takes. */
export type Table = { readonly [name: string]: Setting<never> | Setting<unknown> };

/** The settings object that a table describes. */
export type Values<T> = { readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never };

/** `sipPort` -> `sip-port` */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}

/** The section of the configuration file that holds a group: `Calls and transactions` -> `calls-and-transactions` */
export function sectionName(group: Group): string {
  return group
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** `sipPort` -> `OFFHOOK_SIP_PORT` */
export function variableName(key: string): string {
  return `OFFHOOK_${flagName(key).replaceAll('-', '_').toUpperCase()}`;
}

type Rest = Partial<Pick<Setting<unknown>, 'from' | 'defaultText' | 'example'>>;

/** A row with a default. */
export function setting<T>(group: Group, kind: Kind<T>, fallback: T | (() => T), doc: string, rest: Rest = {}): Setting<T> {
  return { group, kind: kind as Kind<Exclude<T, undefined>>, default: fallback, doc, from: 'flag and environment', ...rest };
}

/** A row that may be left out. */
export function optional<T>(group: Group, kind: Kind<T>, doc: string, rest: Rest = {}): Setting<T | undefined> {
  return { group, kind: kind as Kind<Exclude<T, undefined>>, default: undefined, doc, from: 'flag and environment', ...rest };
}

/** A row that must be given. */
export function required<T>(group: Group, kind: Kind<T>, doc: string, rest: Rest = {}): Setting<T> {
  const none = (): T => {
    throw new Error('a required setting has no default');
  };
  return {
    group,
    kind: kind as Kind<Exclude<T, undefined>>,
    default: none,
    doc,
    required: true,
    from: 'flag and environment',
    ...rest,
  };
}
