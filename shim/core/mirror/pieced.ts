import { body, callId, contentType, cseq, header, type Message, type MessageLimits, request, scan, to } from '../sip/index.ts';

/**
 * The INVITE that a response must have answered, as far as the response tells (RFC 3261 8.2.6.2: From, Call-ID, CSeq and Via are those of
 * the request, To but for its tag). Undefined where that is not enough. The session description of the answer stands for that of the
 * offer: of the media that both sides have agreed upon, both tell.
 */
export function inviteOf(response: Message, limits: MessageLimits): Message | undefined {
  const called = to(response);
  if (called === undefined) return undefined;
  const sdp = body(response) !== '' && contentType(response)?.value === 'application/sdp';
  const text = request({
    method: 'INVITE',
    uri: called.uri,
    via: header(response, 'via') ?? '',
    from: header(response, 'from') ?? '',
    to: `<${called.uri}>`,
    callId: callId(response),
    cseq: cseq(response).number,
    ...(sdp ? { body: { type: 'application/sdp', content: body(response) } } : {}),
  });
  const scanned = scan(text, limits, 'datagram');
  return scanned.ok ? scanned.message : undefined;
}
