import type { Target } from '../target.ts';
import { capture } from './capture.ts';
import { digest } from './digest.ts';
import { element } from './element.ts';
import { framing } from './framing.ts';
import { grammar } from './grammar.ts';
import { hep } from './hep.ts';
import { scanner, splice } from './scanner.ts';
import { sdp } from './sdp.ts';
import { toml } from './toml.ts';

/** What is fuzzed inside the fuzzer's own process; the running shim is beside them (running.ts). */
export const TARGETS: readonly Target[] = [scanner, splice, framing, grammar, sdp, digest, hep, capture, toml, element];
