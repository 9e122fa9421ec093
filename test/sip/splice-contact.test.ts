import { describe, expect, it } from 'vitest';
import { contacts, replaceContacts } from '../../shim/core/sip/index.ts';
import { request, scanned } from '../support/sip-text.ts';

const replaced = (...headers: string[]) =>
  replaceContacts(request('REGISTER', { headers }), (uri) => (uri.includes('stay') ? undefined : 'sip:new@192.0.2.1;x=y'));

const lines = (text: string) => text.split('\r\n').filter((line) => /^(contact|m)\s*:/i.test(line));

describe('RFC 3261 20.10 another URI in a Contact', () => {
  it.each([
    ['Contact: <sip:a@192.0.2.9:5062;transport=tcp>;expires=60', 'Contact: <sip:new@192.0.2.1;x=y>;expires=60'],
    ['m: sip:a@192.0.2.9;expires=60', 'm: <sip:new@192.0.2.1;x=y>;expires=60'],
    [
      'Contact: "A <sip:a@192.0.2.9> \\" B" <sip:a@192.0.2.9>;q=0.5',
      'Contact: "A <sip:a@192.0.2.9> \\" B" <sip:new@192.0.2.1;x=y>;q=0.5',
    ],
    [
      'Contact: <sip:a@192.0.2.9>, <sip:stay@192.0.2.9>,sip:b@192.0.2.9',
      'Contact: <sip:new@192.0.2.1;x=y>, <sip:stay@192.0.2.9>,<sip:new@192.0.2.1;x=y>',
    ],
    ['Contact: *', 'Contact: *'],
    ['Contact: sip <sip:a@192.0.2.9>', 'Contact: sip <sip:new@192.0.2.1;x=y>'],
  ])('%s', (line, expected) => expect(lines(replaced(line))).toEqual([expected]));

  it('leaves all other bytes as they are, over several lines', () => {
    const text = replaced('Contact: <sip:a@192.0.2.9>', 'X: <sip:a@192.0.2.9>', 'Contact: <sip:b@192.0.2.9>');
    expect(lines(text)).toEqual(['Contact: <sip:new@192.0.2.1;x=y>', 'Contact: <sip:new@192.0.2.1;x=y>']);
    expect(text).toContain('X: <sip:a@192.0.2.9>');
    expect(contacts(scanned(text))).toMatchObject({ ok: true, contacts: [{}, {}] });
  });
});
