import * as sip from '../../shim/core/sip/index.ts';

/** Asks everything that is ever asked of a message; nothing of it may throw. */
export function askAll(m: sip.Message): void {
  for (const all of [sip.vias, sip.contacts, sip.routes, sip.recordRoutes, sip.paths]) all(m);
  for (const tokens of [sip.requires, sip.proxyRequires, sip.supported, sip.allow]) tokens(m);
  for (const one of [sip.topVia, sip.from, sip.to, sip.maxForwards, sip.expires, sip.minExpires]) one(m);
  for (const one of [sip.event, sip.contentType, sip.cseq, sip.callId, sip.body]) one(m);
  sip.credentials(m, 'authorization');
  sip.challenges(m, 'www-authenticate');
  sip.header(m, 'x-none');
  sip.headers(m, 'accept');
  sip.parseUri(m.uri);
  sip.aorOf(m.uri);
}

/** An edit that changes all that a proxy ever does (RFC 3261 16.6). */
export const EDIT = {
  uri: 'sip:x@192.0.2.9',
  via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKedit',
  stampVia: { received: '192.0.2.77', rport: 4444 },
  maxForwards: 42,
  recordRoute: '<sip:192.0.2.1;lr>',
  popRoutes: 1,
  pushRoutes: ['<sip:next.example.com;lr>'],
} satisfies sip.RequestEdit;
