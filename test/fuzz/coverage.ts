import { Session } from 'node:inspector';

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}
interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/** Which of the product's characters have run, told by V8 itself: what makes an input worth keeping. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Map<string, Uint8Array>();
  /** Characters of the product's source that have run. */
  covered = 0;

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many characters ran since the last call that never had before; `keep` notes them, so that they are not fresh again. */
  take(keep: boolean): number {
    let fresh = 0;
    this.#session.post('Profiler.takePreciseCoverage', (error, result) => {
      if (error) throw error;
      for (const script of result.result as readonly Script[]) {
        if (/\/(shim|worker)\/(?!.*node_modules)/.test(script.url)) fresh += this.#fresh(script, keep);
      }
    });
    if (keep) this.covered += fresh;
    return fresh;
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** A function's ranges go from the outer to the inner: an inner one that did not run is a hole in the outer that did. */
  #fresh({ url, functions }: Script, keep: boolean): number {
    let size = 0;
    for (const { ranges } of functions) size = Math.max(size, ranges[0]?.endOffset ?? 0);
    const now = new Uint8Array(size);
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
    const before = this.#seen.get(url);
    const seen = before && before.length >= size ? before : grown(before, size);
    this.#seen.set(url, seen);
    let fresh = 0;
    for (let i = 0; i < size; i++) {
      if (now[i] !== 1 || seen[i] !== 0) continue;
      if (keep) seen[i] = 1;
      fresh++;
    }
    return fresh;
  }
}

function grown(before: Uint8Array | undefined, size: number): Uint8Array {
  const seen = new Uint8Array(size);
  if (before) seen.set(before);
  return seen;
}
