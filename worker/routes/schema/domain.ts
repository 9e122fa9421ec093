import * as z from 'zod';
import { canonicalAor, domainOf } from '../../protocol/index.ts';

/** A domain, as it stands in canonical addresses of record. */
export const domainSchema = z.string().transform((text, context) => {
  const aor = /[@;?]/.test(text) ? undefined : canonicalAor(`sip:user@${text}`);
  if (aor === undefined) context.addIssue({ code: 'custom', message: 'is no host' });
  return aor === undefined ? z.NEVER : domainOf(aor);
});
