import type { SessionType } from '#protocol';
import type { SessionRule } from '../core/dialog/session-rules.ts';
import type { Kind } from './kind.ts';

const TYPES: readonly SessionType[] = ['voice', 'video', 'voicemail', 'streaming', 'conference', 'queue', 'message'];

/** What calls of an address are: `pattern=type`. */
export const sessionRule: Kind<SessionRule> = {
  placeholder: '<pattern=type>',
  range: '',
  show: ({ pattern, type }) => `${pattern}=${type}`,
  read(text) {
    const at = text.lastIndexOf('=');
    const [pattern, type] = [text.slice(0, at), text.slice(at + 1)];
    const found = TYPES.find((one) => one === type);
    if (at > 0 && found && /^[\x21-\x7e]{1,256}$/.test(pattern)) return { ok: true, value: { pattern, type: found } };
    return { ok: false, expected: `pattern=type with one of ${TYPES.join(', ')}` };
  },
};
