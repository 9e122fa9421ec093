import * as sip from '../../../shim/core/sip/index.ts';
import { answerTo } from '../../support/element.ts';
import { TORTURE } from '../../support/fuzz-messages.ts';
import { mutate } from '../../support/mutate.ts';
import { askAll, EDIT } from '../../support/sip-ask.ts';
import { request, requestText, SDP } from '../../support/sip-text.ts';
import { must, type Target } from '../target.ts';

const LIMITS = sip.DEFAULT_MESSAGE_LIMITS;

/** Messages to begin with: the torture messages, and a call's. */
export const MESSAGES: readonly string[] = [
  ...TORTURE,
  requestText('INVITE', {
    headers: ['Contact: <sip:alice@127.0.0.2>', 'Session-Expires: 90;refresher=uac', 'Supported: timer, path'],
    body: SDP,
  }),
  requestText('REGISTER', {
    uri: 'sip:example.com',
    headers: [
      'Contact: "A" <sip:alice@127.0.0.2>;q=0.5;expires=60;+sip.instance="<urn:uuid:1>"',
      'Path: <sip:127.0.0.5;lr>',
      'Authorization: Digest username="alice", realm="example.com", nonce="abc", uri="sip:example.com", response="00", qop=auth, nc=00000001, cnonce="x"',
    ],
  }),
  answerTo(request('INVITE', { headers: ['Record-Route: <sip:127.0.0.1;lr>, <sip:127.0.0.5;lr>'] }), 200, { body: SDP }),
];

/** RFC 3261 7: one message from a datagram, and from a stream. */
export const scanner: Target = {
  name: 'scanner',
  seeds: MESSAGES,
  mutate,
  run(input) {
    for (const framing of ['datagram', 'stream'] as const) {
      const result = sip.scan(input, LIMITS, framing);
      if (result.message !== undefined) askAll(result.message);
      if (result.ok) continue;
      must(result.status >= 400 && result.status < 600, `refused with ${result.status}`);
      if (result.message === undefined) continue;
      const reply = sip.respond(result.message, result.status, result.reason, { toTag: 'x', via: EDIT.stampVia });
      const rows = reply.slice(0, reply.indexOf('\r\n\r\n')).split('\r\n');
      // Whatever stood in the request, no line of the answer is begun by what was copied.
      for (const row of rows.slice(1))
        must(/^(Via|From|To|Call-ID|CSeq|Content-Length): [^\r\n]*$/.test(row), `answer has ${row}`);
    }
  },
};

/** RFC 3261 16.6: what is relayed is well-formed again, and is what came, with the edits. */
export const splice: Target = {
  name: 'splice',
  seeds: MESSAGES,
  mutate,
  run(input) {
    const result = sip.scan(input, LIMITS, 'datagram');
    if (!result.ok) return;
    const m = result.message;
    if (!sip.isRequest(m)) {
      const out = sip.relayResponse(m);
      const again = sip.scan(out, LIMITS, 'stream');
      must(again.ok || (sip.vias(m)?.length ?? 0) <= 1, `a relayed response: ${again.ok ? '' : again.reason}`);
      return;
    }
    sip.stampRequest(m, EDIT.stampVia);
    sip.cancel(m);
    sip.ack(m, m);
    const out = sip.relayRequest(m, EDIT);
    must(out.length <= input.length + 600, `grew from ${input.length} to ${out.length}`);
    const roomy = { headerBytes: LIMITS.headerBytes + 600, headerCount: LIMITS.headerCount + 8, bodyBytes: LIMITS.bodyBytes };
    const relayed = sip.scan(out, roomy, 'stream');
    must(relayed.ok, `a relayed request: ${relayed.ok ? '' : relayed.reason}`);
    must(sip.maxForwards(relayed.message) === 42, 'Max-Forwards is not that of the edit');
    must(sip.topVia(relayed.message)?.branch === 'z9hG4bKedit', 'the top Via is not ours');
    must(sip.body(relayed.message) === sip.body(m), 'the body changed');
    const reply = sip.scan(sip.respond(m, 486, '', { toTag: 'x' }), roomy, 'stream');
    must(reply.ok, `an answer: ${reply.ok ? '' : reply.reason}`);
    must(sip.callId(reply.message) === sip.callId(m), 'the answer has another Call-ID');
  },
};
