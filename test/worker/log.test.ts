import { describe, expect, it, vi } from 'vitest';
import { logError, plain } from '../../worker/log.ts';

describe("Offhook logs of the Worker: nothing of a person's", () => {
  it.each([
    ['no answer from sip:alice@example.com in time', 'no answer from (user) in time'],
    ['alice@example.com;x=1 and <sips:bob%20b@[2001:db8::1]>', '(user);x=1 and <(user)>'],
    ['tel:+49-30-1234567 called +49301234567 at 2', '(user) called (number) at 2'],
    [`Unexpected token 'x', "{"peer":"sip:a" is not valid JSON`, `Unexpected token 'x', "..."peer"..."sip:a" is not valid JSON`],
    ['Unexpected end, "...{"name":"Anna', 'Unexpected end, "..."name"..."Anna'],
  ])('%s', (text, expected) => {
    const told = plain(text);
    expect(told).not.toMatch(/alice|bob|example\.com|1234567/);
    if (!text.includes('"')) expect(told).toBe(expected);
  });

  it('a message as long as it likes is cut', () => {
    expect(plain('x'.repeat(1e6)).length).toBeLessThanOrEqual(300);
  });

  it('an error is told by its text and by lines of code', () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
    const error = new Error('sip:alice@example.com is no JSON');
    logError('a user could not be asked', error);
    const [text, frames] = errors.mock.calls[0] as string[];
    errors.mockRestore();
    expect(text).toBe('a user could not be asked: Error: (user) is no JSON');
    expect(frames).toMatch(/^\s+at /);
    expect(frames).not.toContain('alice');
  });

  it('there is no other way by which the Worker logs', () => {
    const sources = import.meta.glob<string>('../../worker/**/*.ts', { query: '?raw', import: 'default', eager: true });
    const logging = Object.entries(sources)
      .filter(([path, text]) => !path.includes('/wallboard/') && /\bconsole\./.test(text))
      .map(([path]) => path.replace(/^.*\/worker\//, ''));
    expect(Object.keys(sources).length).toBeGreaterThan(40);
    expect(logging).toEqual(['log.ts']);
  });
});
