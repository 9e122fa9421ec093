import { ACCESS_LIMITS } from '../access/index.ts';
import type { Env } from '../env.ts';
import type { HookMaker } from '../hooks/index.ts';
import { logError } from '../log.ts';
import { accessObject } from './access.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { within } from './within.ts';

/** How the token stands that made a webhook; `unknown`: the access object has not been heard for too long. */
export type Standing = 'good' | 'revoked' | 'unknown';

/**
 * Whether the token that made a webhook is good still: asked of the access object, and taken for known for as long as in a request
 * (`revocationAge`). While that cannot be reached, what was heard last does for `revocationOutage`.
 */
export class HookToken {
  readonly #env: Env;
  /** When it was last found good, ms since 1970. */
  #goodAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<Standing> | undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  /** `maker`: undefined where it was not noted who made the webhook: then it is good. Never rejects. */
  async standing(maker: HookMaker | undefined, now: number): Promise<Standing> {
    if (maker === undefined || (maker.jti === undefined && maker.sub === undefined)) return 'good';
    if (now - this.#goodAt < ACCESS_LIMITS.revocationAge) return 'good';
    this.#asking ??= this.#ask(maker, now).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(maker: HookMaker, now: number): Promise<Standing> {
    try {
      if (await within(OBJECT_LIMITS.boardTimeout, accessObject(this.#env).isRevoked(maker))) return 'revoked';
      this.#goodAt = now;
      return 'good';
    } catch (error) {
      logError('a webhook could not ask whether its token is revoked', error);
      return now - this.#goodAt <= ACCESS_LIMITS.revocationOutage ? 'good' : 'unknown';
    }
  }
}
