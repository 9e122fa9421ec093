import * as z from 'zod';

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)([Zz]|[+ -]\d{2}:\d{2})$/;

/** A time of RFC 3339, as ms since 1970. A `+` that was not escaped arrives as a space, which could mean nothing else where it stands. */
export const timeSchema = z.string().transform((text, context) => {
  const [, year = '', month = '', day = '', clock, zone = ''] = RFC_3339.exec(text) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${clock}${zone.toUpperCase().replace(' ', '+')}`);
  // A month has as many days as it has: others are no dates, whatever a parser makes of them.
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (!Number.isNaN(time) && Number(day) <= days) return time;
  context.addIssue({ code: 'custom', message: 'is no time of RFC 3339, such as 2026-11-22T10:00:00Z' });
  return z.NEVER;
});
