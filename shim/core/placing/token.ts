/**
 * The name under which a PBX sends calls back to one of its users' telephones through here: the user part of a Path (RFC 3327), of a
 * Record-Route, or of a Contact that was written anew. It tells the address of record and, by a hash, the contact, so that nothing has to
 * be kept for it and it means the same after a restart. It is no secret: only the PBX may use it.
 */
export interface Place {
  /** Canonical address of record. */
  readonly aor: string;
  /** Hash of the contact; absent where the Request-URI names the contact. */
  readonly contact?: string;
}

/** What the names of places begin with. */
export const PLACE_MARK = 'offhook-';

/** Of letters, digits, `.`, `-`, `_` and `~` alone, which every PBX leaves as they are. `contact` is the URI as it was registered. */
export function placeToken(aor: string, contact?: string): string {
  const user = aor
    .slice('sip:'.length)
    .replace(/[^A-Za-z0-9.-]/g, (char) => `_${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return contact === undefined ? `${PLACE_MARK}${user}` : `${PLACE_MARK}${user}~${contactHash(contact)}`;
}

/** Reads the user part of a URI; a flow may follow (see proxy/flow-token.ts). Undefined where it is no such name. */
export function parsePlace(user: string): Place | undefined {
  const match = user.startsWith(PLACE_MARK)
    ? /^((?:[A-Za-z0-9.-]|_[0-9a-f]{2})+)(?:~([0-9a-f]{1,8}))?(?:~~.*)?$/.exec(user.slice(PLACE_MARK.length))
    : null;
  if (match === null) return undefined;
  const aor = `sip:${(match[1] as string).replace(/_(..)/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))}`;
  return match[2] === undefined ? { aor } : { aor, contact: match[2] };
}

/** FNV-1a, 32 bits, in hex: tells the few contacts of one user apart. */
export function contactHash(contact: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < contact.length; i++) hash = Math.imul(hash ^ contact.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16);
}
