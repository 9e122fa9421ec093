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
