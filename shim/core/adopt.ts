/**
 * Puts the values of `next` into `live`, in place, so that every part that holds `live` or a part of it goes on by the new values. Plain
 * objects are gone into; everything else (numbers, lists, sets, functions) is replaced. What `next` has not is taken away.
 */
export function adopt(live: object, next: object): void {
  const [to, from] = [live as Record<string, unknown>, next as Record<string, unknown>];
  for (const key of Object.keys(to)) if (!Object.hasOwn(from, key)) delete to[key];
  for (const [key, value] of Object.entries(from)) {
    const held = to[key];
    if (isPlain(held) && isPlain(value)) adopt(held, value);
    else to[key] = value;
  }
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
