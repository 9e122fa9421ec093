import type * as z from 'zod';

/** What is wrong with a value, from the schema's first finding: where (a path such as `call.id`), and what. */
export function finding(error: z.ZodError, prefix = ''): { field: string; reason: string } {
  const issue = error.issues[0];
  const field = (issue?.path ?? []).reduce<string>(
    (path, part) => (typeof part === 'number' ? `${path}[${part}]` : path === '' ? String(part) : `${path}.${String(part)}`),
    prefix,
  );
  return { field, reason: issue?.message ?? 'is not valid' };
}
