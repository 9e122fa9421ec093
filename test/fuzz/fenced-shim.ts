/** The shim as a process of its own behind a fence: damaged messages name any address there is, and it shall send to none of them. */
import { fence } from '../support/fence.ts';

const { ports } = fence();
for (const port of (process.env.FUZZ_PORTS ?? '').split(',')) ports.add(Number(port));
await import('../bench/child.ts');
