import type { Binding, BindingChange } from '../registrar/binding.ts';
import type { Location } from '../registrar/location.ts';
import { canonicalHost, own, parseUri } from '../sip/index.ts';
import type { Address } from '../transport.ts';

/** Users kept under one contact: several lines of one phone may register the same one. */
const USERS_OF_A_CONTACT = 16;
/** Stale entries are let in up to so many times the live ones, then all is built anew. */
const SLACK = 4;

/**
 * Who is called by a contact URI: the way back from what a proxy or PBX sends an INVITE to, to the user. It goes by what the phone has
 * registered, and by where the REGISTER came from, since a PBX puts that in its place for a phone behind NAT. What the location service
 * does not know any more is passed over.
 */
export class Contacts {
  readonly #location: Location;
  readonly #users = new Map<string, string[]>();
  /** `address:port` at which REGISTER requests are taken: a server, and nobody's phone. */
  readonly #servers = new Set<string>();

  constructor(location: Location) {
    this.#location = location;
    this.#build();
  }

  /** Takes notice of what was learned. */
  learned(changes: readonly BindingChange[]): void {
    for (const { type, binding } of changes) if (type !== 'removed') this.#add(binding);
    if (Math.max(this.#users.size, this.#servers.size) > 1000 + SLACK * 2 * this.#location.size) this.#build();
  }

  /** The users with a live binding of that contact. */
  usersOf(uri: string, now: number): string[] {
    const parsed = parseUri(uri);
    if (parsed === undefined) return [];
    const key = keyOf(parsed.user, parsed.host, parsed.port);
    return (this.#users.get(key) ?? []).filter((user) => this.#location.lookup(user, now).some((b) => keysOf(b).includes(key)));
  }

  /** Does that user's phone send from, or take calls at, that address and port. */
  isAt(user: string, { address, port }: Address, now: number): boolean {
    return this.#location.lookup(user, now).some((binding) => {
      if (binding.flow.remote.address === address && binding.flow.remote.port === port) return true;
      const uri = parseUri(binding.contact);
      return uri !== undefined && (uri.port ?? 5060) === port && canonicalHost(uri.host) === canonicalHost(address);
    });
  }

  isServer({ address, port }: Address): boolean {
    return this.#servers.has(`${address}:${port}`);
  }

  #build(): void {
    this.#users.clear();
    this.#servers.clear();
    for (const user of this.#location.users()) for (const binding of this.#location.get(user)) this.#add(binding);
  }

  #add(binding: Binding): void {
    const { local } = binding.flow;
    this.#servers.add(`${local.address}:${local.port}`);
    for (const key of keysOf(binding)) {
      const users = this.#users.get(key);
      if (users === undefined) this.#users.set(own(key), [binding.aor]);
      else if (!users.includes(binding.aor)) this.#users.set(key, [...users.slice(-USERS_OF_A_CONTACT + 1), binding.aor]);
    }
  }
}

function keysOf({ contact, flow }: Binding): string[] {
  const uri = parseUri(contact);
  if (uri === undefined) return [];
  return [keyOf(uri.user, uri.host, uri.port), keyOf(uri.user, flow.remote.address, flow.remote.port)];
}

const keyOf = (user: string, host: string, port: number | undefined): string => `${user}@${canonicalHost(host)}:${port ?? 5060}`;
