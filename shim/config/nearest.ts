/** The one of `names` that `name` was most likely meant to be; undefined where none is near. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  const asked = name.slice(0, 80).toLowerCase().replaceAll('_', '-');
  let best: string | undefined;
  // A third of its letters may be wrong.
  let least = Math.max(2, Math.floor(asked.length / 3)) + 1;
  for (const candidate of names) {
    const far = distance(asked, candidate);
    if (far >= least) continue;
    best = candidate;
    least = far;
  }
  return best;
}

/** Letters to insert, leave out or replace to make one of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
