import { type Machine, to } from './machine.ts';

export type InviteClientState = 'calling' | 'calling-cancelled' | 'proceeding' | 'cancelling' | 'completed' | 'accepted';

/**
 * INVITE client transaction: RFC 3261 17.1.1, Figure 5, as corrected by RFC 6026 (state Accepted, timer M), with CANCEL (9.1) and
 * the proxy's timer C (16.6 step 11, 16.8) in it, since both hang on which responses have come.
 */
export const INVITE_CLIENT: Machine<InviteClientState> = {
  initial: 'calling',
  states: {
    calling: {
      repeat: 'timer A',
      end: 'timer B',
      on: {
        // RFC 3261 17.1.1.2: "When timer A fires, the client transaction MUST retransmit the request by passing it to the transport
        // layer, and MUST reset the timer with a value of 2*T1."
        'timer A': to('calling', 'send request'),
        // "If the client transaction is still in the "Calling" state when timer B fires, the client transaction SHOULD inform the TU
        // that a timeout has occurred."
        'timer B': to('terminated', 'timeout'),
        // "If the client transaction receives a provisional response while in the "Calling" state, it transitions to the "Proceeding"
        // state. In the "Proceeding" state, the client transaction SHOULD NOT retransmit the request any longer. Furthermore, the
        // provisional response MUST be passed to the TU."
        'response 100': to('proceeding', 'deliver'),
        'response 1xx': to('proceeding', 'deliver'),
        // RFC 6026 7.2: a 2xx moves the machine to "Accepted" instead of destroying it.
        'response 2xx': to('accepted', 'forget text', 'deliver'),
        // RFC 3261 17.1.1.2: "reception of a response with status code from 300-699 MUST cause the client transaction to transition
        // to "Completed". The client transaction MUST pass the received response up to the TU, and [...] MUST generate an ACK".
        'response 3xx-6xx': to('completed', 'send ack', 'deliver'),
        'transport error': to('terminated', 'transport-error'),
        // 9.1: "If no provisional response has been received, the CANCEL request MUST NOT be sent; rather, the client MUST wait for
        // the arrival of a provisional response before sending the request."
        cancel: to('calling-cancelled'),
      },
    },
    'calling-cancelled': {
      repeat: 'timer A',
      end: 'timer B',
      on: {
        'timer A': to('calling-cancelled', 'send request'),
        'timer B': to('terminated', 'timeout'),
        'response 100': to('cancelling', 'send cancel', 'deliver'),
        'response 1xx': to('cancelling', 'send cancel', 'deliver'),
        // 9.1: "If the original request has generated a final response, the CANCEL SHOULD NOT be sent".
        'response 2xx': to('accepted', 'forget text', 'deliver'),
        'response 3xx-6xx': to('completed', 'send ack', 'deliver'),
        'transport error': to('terminated', 'transport-error'),
      },
    },
    proceeding: {
      end: 'timer C',
      on: {
        'response 100': to('proceeding', 'deliver'),
        // 16.7 step 2: "If the response is a provisional response with status codes 101 to 199 inclusive (i.e., anything other than
        // 100), the proxy MUST reset timer C for that client transaction."
        'response 1xx': to('proceeding', 'restart end', 'deliver'),
        'response 2xx': to('accepted', 'forget text', 'deliver'),
        'response 3xx-6xx': to('completed', 'send ack', 'deliver'),
        // 16.8: "If the client transaction has received a provisional response, the proxy MUST generate a CANCEL request matching
        // that transaction."
        'timer C': to('cancelling', 'send cancel'),
        cancel: to('cancelling', 'send cancel'),
      },
    },
    cancelling: {
      end: 'timer cancel',
      on: {
        'response 100': to('cancelling', 'deliver'),
        'response 1xx': to('cancelling', 'deliver'),
        'response 2xx': to('accepted', 'forget text', 'deliver'),
        'response 3xx-6xx': to('completed', 'send ack', 'deliver'),
        // 9.1: "if there is no final response for the original request in 64*T1 seconds [...], the client SHOULD then consider the
        // original transaction cancelled and SHOULD destroy the client transaction handling the original request."
        'timer cancel': to('terminated', 'timeout'),
      },
    },
    completed: {
      end: 'timer D',
      on: {
        // 17.1.1.2: "Any retransmissions of the final response that are received while in the "Completed" state MUST cause the ACK
        // to be re-passed to the transport layer for retransmission, but the newly received response MUST NOT be passed up to the TU."
        'response 3xx-6xx': to('completed', 'send ack'),
        'timer D': to('terminated'),
        'transport error': to('terminated', 'transport-error'),
      },
    },
    accepted: {
      end: 'timer M',
      on: {
        // RFC 6026 7.2: every 2xx that matches goes to the TU, until timer M ends the transaction.
        'response 2xx': to('accepted', 'deliver'),
        'timer M': to('terminated'),
      },
    },
  },
};
