import type { Address, SipRequest, SipResponse } from 'sip';

/** RFC 3261 12: one side's state of a dialog, enough to build the requests inside it. */
export interface Dialog {
  readonly callId: string;
  readonly local: Address;
  readonly remote: Address;
  /** CSeq number of the last request sent in the dialog. */
  sequence: number;
  /** The peer's Contact: where requests of the dialog are addressed to. */
  target: string;
  /** In the order in which they are put into Route. */
  readonly routes: readonly Address[];
}

/** The Contact URI of a message, or undefined. */
export function contactOf(message: SipRequest | SipResponse): string | undefined {
  const contacts = message.headers.contact;
  const first = Array.isArray(contacts) ? contacts[0] : undefined;
  return typeof first?.uri === 'string' ? first.uri : undefined;
}

/** 12.1.1: "The route set MUST be set to the list of URIs in the Record-Route header field from the request, taken in order". */
export function dialogOfCallee(invite: SipRequest, tag: string): Dialog {
  const { to, from } = invite.headers;
  return {
    callId: invite.headers['call-id'],
    local: { ...to, params: { ...to.params, tag } },
    remote: from,
    sequence: 0,
    target: contactOf(invite) ?? '',
    routes: invite.headers['record-route'] ?? [],
  };
}

/** 12.1.2: "The route set MUST be set to the list of URIs in the Record-Route header field from the response, taken in reverse order". */
export function dialogOfCaller(invite: SipRequest, response: SipResponse): Dialog {
  return {
    callId: invite.headers['call-id'],
    local: invite.headers.from,
    remote: response.headers.to,
    sequence: invite.headers.cseq.seq,
    target: contactOf(response) ?? invite.uri,
    routes: [...(response.headers['record-route'] ?? [])].reverse(),
  };
}

/** 12.2.1.1: a request within the dialog. ACK bears the number of its INVITE, every other request the next one. */
export function requestIn(dialog: Dialog, method: string, headers: Record<string, unknown> = {}, content = ''): SipRequest {
  if (method !== 'ACK') dialog.sequence++;
  return {
    method,
    uri: dialog.target,
    headers: {
      to: dialog.remote,
      from: dialog.local,
      'call-id': dialog.callId,
      cseq: { seq: dialog.sequence, method },
      'max-forwards': 70,
      // A copy: the package takes values off the list that it is given.
      ...(dialog.routes.length > 0 && { route: [...dialog.routes] }),
      ...headers,
    },
    content,
  };
}
