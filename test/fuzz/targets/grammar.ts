import { canonicalAor } from '#protocol';
import * as sip from '../../../shim/core/sip/index.ts';
import { mutate, pick } from '../../support/mutate.ts';
import { must, type Target } from '../target.ts';

const URIS = [
  'sip:+1-201-555-0123;ext=1-2;phone-context=+1@example.com;user=phone',
  'tel:70-42;isub=%41b%2f;ext=9;phone-context=Example.com.',
  'sip:alice:secret@example.com:5060;transport=tcp;lr;maddr=10.0.0.1?subject=a%20b&priority=urgent',
  'sips:%61lice@[2001:db8::1]:5061;user=phone',
  'tel:+1-201-555-0123;ext=4;phone-context=example.com',
  'isbn:2983792873',
];
const NAMES = [
  '"A \\"quoted\\" name" <sip:a@example.com;x=y>;tag=1;q=0.5',
  'token ~`\' <sip:a@[::1]:5060>;expires=60;+sip.instance="<urn:uuid:1>"',
  'sip:a@example.com;tag=1',
];
const VIAS = [
  'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;received=192.0.2.2;rport=5061;ttl=16;maddr=224.0.0.1',
  'SIP / 2.0 / TCP [2001:db8::1] : 5060 ;branch=z9hG4bK1, SIP/2.0/TLS a.example.com',
];

/** The rules of RFC 3261 25.1 one by one: URIs, name-addr, Via. */
export const grammar: Target = {
  name: 'grammar',
  seeds: [...URIS, ...NAMES, ...VIAS],
  mutate: (input, other, chance) =>
    chance() < 0.02 ? input.repeat(1 + Math.floor(chance() * 300)) : mutate(input, pick(chance, [other, input]), chance),
  run(input) {
    const uri = sip.parseUri(input);
    if (uri !== undefined) {
      const again = sip.parseUri(sip.formatUri(uri));
      must(again !== undefined, 'a formatted URI is none');
      must(sip.uriEqual(input, input), 'a URI is not equal to itself');
      const aor = canonicalAor(input);
      must(aor === undefined || canonicalAor(aor) === aor, 'a canonical address of record has another canonical form');
    }
    sip.aorOf(input);
    sip.utf8(input);
    const name = sip.parseNameAddr(input, 0, input.length);
    if (name !== undefined) {
      must(name.end > 0 && name.end <= input.length, `a name-addr ends at ${name.end}`);
      const text = sip.formatNameAddr(name.value);
      const again = sip.parseNameAddr(text, 0, text.length);
      must(again?.value.uri === name.value.uri, 'a formatted name-addr has another URI');
    }
    const via = sip.parseVia(input, 0, input.length);
    if (via !== undefined) must(via.end > 0 && via.end <= input.length, `a Via ends at ${via.end}`);
    sip.parseAuthentication(input);
  },
};
