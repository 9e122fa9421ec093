import type { Target } from '../target.ts';
import { element } from './element.ts';
import { framing } from './framing.ts';
import { grammar } from './grammar.ts';
import { scanner, splice } from './scanner.ts';
import { sdp } from './sdp.ts';

/** What is fuzzed inside the fuzzer's own process; the running shim is beside them (running.ts). */
export const TARGETS: readonly Target[] = [scanner, splice, framing, grammar, sdp, element];
