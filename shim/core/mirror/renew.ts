import type { Binding, BindingChange } from '../registrar/binding.ts';
import type { Registered } from '../registrar/learn.ts';
import { contacts, type Message, parseUri, sameUri } from '../sip/index.ts';

/**
 * What the 2xx to a REGISTER that was never seen says (RFC 3261 10.3 step 8): the contacts that it lists are registered for as long as it
 * says. Those that are known are renewed; who else may be registered, and where, the next REGISTER tells. Nothing ends by it.
 */
export function renew(response: Message, { aor, location, policy, now }: Omit<Registered, 'flow'>): BindingChange[] {
  const changes: BindingChange[] = location.expireUser(aor, now);
  const listed = contacts(response);
  if (!listed.ok) return changes;
  const uris = listed.contacts.flatMap(({ uri, expires = 0 }) => {
    const parsed = parseUri(uri);
    return parsed === undefined ? [] : [{ parsed, until: now + Math.min(expires, policy.maxExpires) * 1000 }];
  });
  const renewed = location.get(aor).map((binding): Binding => {
    const uri = parseUri(binding.contact);
    const until = uri === undefined ? undefined : uris.find(({ parsed }) => sameUri(parsed, uri))?.until;
    return until === undefined || until <= binding.expiresAt ? binding : { ...binding, expiresAt: until };
  });
  const before = new Set(location.get(aor));
  const refreshed = renewed.filter((binding) => !before.has(binding));
  if (refreshed.length > 0) location.replace(aor, renewed);
  return [...changes, ...refreshed.map((binding) => ({ type: 'refreshed' as const, binding }))];
}
