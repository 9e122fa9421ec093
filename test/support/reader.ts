import { type HistoryEntry, LIMITS, type PresenceDocument } from '#protocol';

/** Reads presence over REST, as any program would. */
export class Reader {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  }

  /** `GET /v1/presence/{user}`; undefined for a user never seen. */
  async presence(user: string): Promise<PresenceDocument | undefined> {
    const response = await fetch(`${this.#url}/v1/presence/${encodeURIComponent(user)}`, { headers: this.#headers });
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`GET ${user}: ${response.status} ${await response.text()}`);
    return (await response.json()) as PresenceDocument;
  }

  /** The newest changes of a user, newest first, by `GET /v1/presence/{user}/history`. */
  async history(user: string): Promise<HistoryEntry[]> {
    const response = await fetch(`${this.#url}/v1/presence/${encodeURIComponent(user)}/history`, { headers: this.#headers });
    if (!response.ok) throw new Error(`GET history of ${user}: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { entries: HistoryEntry[] }).entries;
  }

  /** All of many users, in the order asked, by `POST /v1/presence/query`; undefined for a user never seen. */
  async query(users: readonly string[]): Promise<(PresenceDocument | undefined)[]> {
    const found: (PresenceDocument | undefined)[] = [];
    for (let from = 0; from < users.length; from += LIMITS.queryUsers) {
      const body = JSON.stringify({ users: users.slice(from, from + LIMITS.queryUsers) });
      const response = await fetch(`${this.#url}/v1/presence/query`, { method: 'POST', headers: this.#headers, body });
      if (!response.ok) throw new Error(`query: ${response.status} ${await response.text()}`);
      const { users: documents } = (await response.json()) as { users: object[] };
      for (const document of documents) found.push('callStatus' in document ? (document as PresenceDocument) : undefined);
    }
    return found;
  }
}
