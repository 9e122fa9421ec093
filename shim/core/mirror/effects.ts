import type { Effects } from '../element/presence.ts';

/** What a further step led to, behind what others led to. */
export function append(effects: Effects, more: Effects): Effects {
  effects.ops.push(...more.ops);
  effects.events.push(...more.events);
  return effects;
}
