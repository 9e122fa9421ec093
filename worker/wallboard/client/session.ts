/** What a watch needs: whose users, and the word that opens the door. */
export interface Session {
  readonly domain: string;
  readonly token: string;
}

/** Token and domain of a URL's fragment (`#token=...&domain=...`); either may be missing. */
export function readFragment(fragment: string): Partial<Session> {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''));
  const [token, domain] = [fields.get('token')?.trim(), fields.get('domain')?.trim()];
  return { ...(token ? { token } : {}), ...(domain ? { domain } : {}) };
}

/** The fragment that stays in the visible URL: the domain, never the token. */
export function visibleFragment(domain: string): string {
  return `#domain=${encodeURIComponent(domain)}`;
}

/** The pause before attempt `attempt` (from 1) to connect again, ms: 0.5 s doubling to 30 s, of which chance (0 to 1) takes up to half. */
export function retryPause(attempt: number, chance: number): number {
  const whole = Math.min(30_000, 500 * 2 ** Math.min(attempt - 1, 10));
  return Math.round(whole * (1 - chance / 2));
}
