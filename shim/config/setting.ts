import type { Kind } from './kind.ts';

/** One row of a settings table. Flag and variable names come from the row's key: `sipPort` is `--sip-port` and `OFFHOOK_SIP_PORT`. */
export interface Setting<T> {
  /** One line: what it is, with the RFC section where one gives it. */
  readonly doc: string;
  readonly group: Group;
  readonly kind: Kind<Exclude<T, undefined>>;
  /** The value where none is given; a function where it depends on the machine. */
  readonly default: T | (() => T);
  /** Says the default in words where `kind.show` would not do. */
  readonly defaultText?: string;
  /** Must be given: there is no default. */
  readonly required?: true;
  /** Where it may come from; a secret only from the environment, as flags are visible to every user of the machine. */
  readonly from: 'flag and environment' | 'flag' | 'environment';
}

/** Headings of the reference, in its order. */
export const GROUPS = [
  'Addresses',
  'TLS',
  'Placing',
  'State',
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

/** `sipPort` -> `OFFHOOK_SIP_PORT` */
export function variableName(key: string): string {
  return `OFFHOOK_${flagName(key).replaceAll('-', '_').toUpperCase()}`;
}

type Rest = Partial<Pick<Setting<unknown>, 'from' | 'defaultText'>>;

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
