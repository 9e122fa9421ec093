import * as z from 'zod';
import { canonicalAor } from '../../protocol/index.ts';
import type { KindName } from '../problems/kinds.ts';

/** A user by name, as a canonical address of record. */
export const userSchema = z.string().transform((text, context) => {
  const aor = canonicalAor(text);
  if (aor === undefined) context.addIssue({ code: 'custom', message: 'is no address of record', params: kind('bad-user') });
  return aor ?? z.NEVER;
});

/** What a schema's finding has as `params`, where a parameter of a query that it refuses is a problem of a kind of its own. */
export function kind(name: KindName): { readonly kind: KindName } {
  return { kind: name };
}
