import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionRule } from '../../shim/config/session-rule.ts';
import { matches, ruleFor } from '../../shim/core/dialog/session-rules.ts';
import { tracked } from './tracked.ts';

const rules = ['voicemail*=voicemail', '\\*97=voicemail', '80??=conference', '*@radio.example=streaming'].map((text) => {
  const read = sessionRule.read(text);
  if (!read.ok) throw new Error(text);
  return read.value;
});

describe('FIG. 12 item 17: session types by address', () => {
  it.each([
    ['sip:voicemail-7@example.com', 'voicemail'],
    ['sip:*97@example.com', 'voicemail'],
    ['sip:1197@example.com', undefined],
    ['sip:8012@example.com', 'conference'],
    ['sip:80123@example.com', undefined],
    ['sip:one@radio.example', 'streaming'],
    ['sip:bob@example.com', undefined],
    ['tel:8012', undefined],
  ])('%s is %s', (uri, type) => expect(ruleFor(rules, [uri])).toBe(type));

  it('is that of the call from its beginning, whatever its media are', () => {
    const call = tracked({ sessionRules: [{ pattern: 'bob', type: 'queue' }] });
    call.invite();
    call.ring();
    const [one] = call.tracker.calls.ofUser('sip:alice@example.com');
    expect(one?.session).toBe('queue');
    call.ok();
    expect(one?.session).toBe('queue');
  });

  it('* matches everything, a text without signs itself alone, and no pattern takes long', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9.]{0,20}$/), fc.stringMatching(/^[a-z0-9.]{0,20}$/), (a, b) => {
        expect(matches('*', a)).toBe(true);
        expect(matches(a, b)).toBe(a === b);
        expect(matches(`*${a}*`, `${b}${a}${b}`)).toBe(true);
      }),
    );
    expect(matches('*a*a*a*a*a*a*a*a*a*a*b', 'a'.repeat(200))).toBe(false);
  });

  it.each(['=voicemail', 'x=nothing', 'x', 'a b=queue'])('refuses %j', (text) => expect(sessionRule.read(text).ok).toBe(false));
});
