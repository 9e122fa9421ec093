import type { OverrideActivity, OverrideDocument } from '../protocol/index.ts';
import type { Asker } from './asker.ts';
import type { WithSignal } from './options.ts';

/** Whose override it is; where it is left out, the token says. */
export interface OverrideOf extends WithSignal {
  readonly by?: 'person' | 'application';
  readonly application?: string;
  /** Only while the presence document has this `ETag`: else `OffhookProblem`, 412. `*`: only where the user has been seen. */
  readonly ifMatch?: string;
}

/** Somebody's own word. */
export interface NewOverride extends OverrideOf {
  readonly activity: OverrideActivity;
  readonly note?: string;
  /** Seconds until it ends by itself: 8 hours by default, 30 days at most. */
  readonly expiresIn?: number;
}

/** The overrides of a user (docs/overrides.md). */
export interface UserOverride {
  /** All that are set, the one that counts first. */
  list(options?: WithSignal): Promise<readonly OverrideDocument[]>;
  set(override: NewOverride): Promise<OverrideDocument>;
  /** Takes it back, also where there is none. */
  clear(options?: OverrideOf): Promise<void>;
}

export function overrideOf(asker: Asker, user: string): UserOverride {
  const path = `/presence/${encodeURIComponent(user)}/override`;
  const condition = (ifMatch: string | undefined) => (ifMatch === undefined ? {} : { headers: { 'if-match': ifMatch } });
  return {
    async list(options = {}) {
      return (await asker.json<{ overrides: OverrideDocument[] }>({ path, ...options })).overrides;
    },
    set({ ifMatch, signal, ...body }) {
      return asker.json({ method: 'PUT', path, body, ...condition(ifMatch), ...(signal && { signal }) });
    },
    async clear({ by, application, ifMatch, signal } = {}) {
      await asker.ask({ method: 'DELETE', path, query: { by, application }, ...condition(ifMatch), ...(signal && { signal }) });
    },
  };
}
