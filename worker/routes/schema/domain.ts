import * as z from 'zod';
import { canonicalAor, domainOf } from '../../protocol/index.ts';
import { kind } from './user.ts';

/** A domain, as it stands in canonical addresses of record. */
export const domainSchema = z.string({ error: 'is needed' }).transform((text, context) => {
  const aor = /[@;?]/.test(text) ? undefined : canonicalAor(`sip:user@${text}`);
  if (aor === undefined) context.addIssue({ code: 'custom', message: 'is no host', params: kind('bad-domain') });
  return aor === undefined ? z.NEVER : domainOf(aor);
});
