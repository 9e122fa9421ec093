/** Looked so often whether there is nothing left, ms. */
const EVERY = 20;

/** What may still be under way when the shim is to end. */
export interface UnderWay {
  /** Requests that have not been finally answered. */
  unanswered(): number;
  /** Is the Worker being told something, without trouble so far. */
  telling(): boolean;
}

/**
 * Resolves when every request is answered and the Worker is told all, after `timeout` ms at the latest. A Worker that cannot be reached is
 * not waited for: what it has not been told is on disk.
 */
export function drained(parts: UnderWay, timeout: number): Promise<void> {
  const end = performance.now() + timeout;
  return new Promise((resolve) => {
    const look = () => {
      if ((parts.unanswered() === 0 && !parts.telling()) || performance.now() >= end) resolve();
      else setTimeout(look, EVERY);
    };
    look();
  });
}
