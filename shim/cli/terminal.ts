/** What a command is given of the process it runs in. */
export interface Terminal {
  readonly env: { readonly [name: string]: string | undefined };
  /** Standard output: what the command is for. */
  out(text: string): void;
  /** Standard error: log, problems. */
  err(text: string): void;
  /** One line of standard input, such as a password; '' where there is none. */
  readonly input?: (prompt: string) => Promise<string>;
  /** Aborted when the process is asked to end. */
  readonly ending: AbortSignal;
  /** Has `act` called at each request to read the configuration again (SIGHUP). */
  onReload?(act: () => void): void;
  /** Once it is asked to end, the process may take `ms` for that; without a word it is a matter of a second or two. */
  endWithin?(ms: number): void;
}

/** Exit codes. */
export const EXIT = {
  ok: 0,
  /** It could not do what it was asked to. */
  failed: 1,
  /** It was asked wrongly: unknown command, bad setting. */
  usage: 2,
} as const;

/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
