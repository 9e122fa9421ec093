import { pick } from '../support/mutate.ts';
import type { Coverage } from './coverage.ts';
import { smaller } from './finding.ts';
import type { Target } from './target.ts';

/** One input, handled whole, may take so long of the processor, ms. */
export const MAX_MS = 50;
/** An input that took longer once (the collector, a busy machine) is tried so often more before it is a finding. */
const TRIES = 4;
/** No input is larger, characters: a datagram can be no larger. */
const MAX_INPUT = 65_507;
/** Inputs between two looks at the coverage. */
const BATCH = 64;
/** Inputs kept of one target; the oldest that is no seed goes first. */
const MAX_CORPUS = 2000;
/** Findings after which a target is left alone. */
const MAX_FINDINGS = 10;

/** What a run of one target came to. */
export interface Outcome {
  readonly target: string;
  readonly inputs: number;
  /** Inputs that are kept because each ran what none before it had run. */
  readonly corpus: readonly string[];
  /** The longest that one input took, ms. */
  readonly slowest: number;
  readonly seconds: number;
  /** Characters of the product's source that ran. */
  readonly covered?: number;
  readonly findings: readonly Failure[];
}

export interface Failure {
  readonly reason: string;
  readonly input: string;
}

export interface Budget {
  /** Inputs at the most. */
  readonly inputs?: number;
  /** Ends when that says so. */
  readonly over?: () => boolean;
}

/** Feeds a target with mutations of its corpus, which grows by whatever input makes lines run that had not run before. */
export function fuzz(target: Target, chance: () => number, budget: Budget, coverage?: Coverage): Outcome {
  const { inputs: most = Number.POSITIVE_INFINITY, over = () => false } = budget;
  const corpus = [...target.seeds];
  const found = new Map<string, Failure>();
  const began = performance.now();
  let [inputs, slowest] = [0, 0];
  const feed = (input: string): boolean => {
    inputs += 1;
    const { reason, ms } = tried(target, input);
    if (reason === undefined) slowest = Math.max(slowest, ms);
    else if (!found.has(kind(reason))) found.set(kind(reason), { reason, input: smaller(input, sameFailure(target, reason)) });
    return reason === undefined;
  };
  for (const seed of target.seeds) feed(seed);
  coverage?.take(true);
  while (inputs < most && !over() && found.size < MAX_FINDINGS) {
    const batch = Array.from({ length: Math.min(BATCH, most - inputs) }, () => next(target, corpus, chance));
    const well = batch.filter(feed);
    // Something in the batch was new: each of it is looked at alone, to keep what it was.
    if (coverage !== undefined && coverage.take(false) > 0)
      corpus.push(...well.filter((input) => isNovel(target, input, coverage)));
    while (corpus.length > MAX_CORPUS) corpus.splice(target.seeds.length, 1);
  }
  const seconds = (performance.now() - began) / 1000;
  return { target: target.name, inputs, corpus, slowest, seconds, findings: [...found.values()] };
}

/** Handles one input; the reason where it is a finding. */
export function tried(target: Target, input: string): { reason: string | undefined; ms: number } {
  let ms = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES && ms > MAX_MS; i++) {
    // Of this thread alone: what others do on the machine is no fault of the input.
    const began = process.threadCpuUsage();
    try {
      target.run(input);
    } catch (error) {
      return { reason: told(error), ms: 0 };
    }
    const { user, system } = process.threadCpuUsage(began);
    ms = Math.min(ms, (user + system) / 1000);
  }
  return { reason: ms > MAX_MS ? `slower than ${MAX_MS} ms` : undefined, ms };
}

function next(target: Target, corpus: readonly string[], chance: () => number): string {
  let input = pick(chance, corpus);
  // The newest are the least explored.
  if (chance() < 0.3) input = corpus[corpus.length - 1 - Math.floor(chance() * Math.min(20, corpus.length))] as string;
  return target.mutate(input, pick(chance, corpus), chance).slice(0, MAX_INPUT);
}

/** Does that input, handled well a moment ago, run what never ran before. */
function isNovel(target: Target, input: string, coverage: Coverage): boolean {
  target.run(input);
  return coverage.take(true) > 0;
}

/** The same defect, whatever the values in its text. */
const kind = (reason: string): string => reason.replace(/".*?"|\d+/gs, '#').slice(0, 300);

const sameFailure = (target: Target, reason: string) => (input: string) => {
  const again = tried(target, input).reason;
  return again !== undefined && kind(again) === kind(reason);
};

/** The message of an error and the first place of ours in its stack. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const places = Array.from((error.stack ?? '').matchAll(/((?:shim|worker|test)\/[\w./-]+\.ts):\d+:\d+/g), ([, path]) => path);
  return `${error.name}: ${error.message} (${places.find((path) => path !== 'test/fuzz/target.ts') ?? 'no place'})`;
}
