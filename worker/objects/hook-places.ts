import type { Env } from '../env.ts';
import type { HookRecord } from '../hooks/index.ts';
import type { Hook } from './hook.ts';
import { newId } from './hook-send.ts';
import { inJurisdiction, jurisdictionOf } from './places.ts';

const PREFIXES = { webhook: 'wh', watch: 'wa' } as const satisfies Record<HookRecord['kind'], string>;

/** `wh_…`, and where the data of the domain must stay somewhere `wheu_…`: an object is found by its id alone. */
const ID = /^(?:wh|wa)(eu|fedramp)?_[\w-]{22}$/;

/** A new id of a webhook or watch, which nobody can guess; its object lies where the domain's data must. */
export function newHookId(env: Env, kind: HookRecord['kind'], domain: string): string {
  return newId(PREFIXES[kind] + (jurisdictionOf(env.JURISDICTIONS, domain) ?? ''));
}

/** The object of a webhook or watch; undefined for an id that is none of ours, so that no object is asked for it. */
export function hookObject(env: Pick<Env, 'HOOK'>, id: string): DurableObjectStub<Hook> | undefined {
  const match = ID.exec(id);
  return match === null ? undefined : inJurisdiction(env.HOOK, match[1] as DurableObjectJurisdiction | undefined).getByName(id);
}
