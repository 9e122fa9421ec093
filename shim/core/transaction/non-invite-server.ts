import { type Machine, to } from './machine.ts';

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed';

/**
 * Non-INVITE server transaction: RFC 3261 17.2.2, Figure 8, with RFC 4320: a 100 not before and not after timer E of the client has
 * grown to T2, and no answer at all once the client has given up.
 */
export const NON_INVITE_SERVER: Machine<NonInviteServerState> = {
  initial: 'trying',
  states: {
    trying: {
      repeat: 'timer 100',
      end: 'timer guard',
      on: {
        // RFC 3261 17.2.2: "Once in the "Trying" state, any further request retransmissions are discarded."
        request: to('trying'),
        // RFC 4320 4.1: "an element MUST respond to a non-INVITE request with a Status-Code of 100 if it has not otherwise responded
        // after the amount of time it takes a client transaction's Timer E to be reset to T2."
        'timer 100': to('proceeding', 'send 100'),
        // "If the TU passes a provisional response to the server transaction while in the "Trying" state, the server transaction MUST
        // enter the "Proceeding" state."
        'send 1xx': to('proceeding', 'send response'),
        'send 2xx': to('completed', 'send response'),
        'send 3xx-6xx': to('completed', 'send response'),
        // RFC 4320 4.2: "an element that can not respond before the transaction expires will not send a final response at all."
        'timer guard': to('terminated', 'timeout'),
        'transport error': to('terminated', 'transport-error'),
      },
    },
    proceeding: {
      end: 'timer guard',
      on: {
        // "If a retransmission of the request is received while in the "Proceeding" state, the most recently sent provisional response
        // MUST be passed to the transport layer for retransmission."
        request: to('proceeding', 'resend response'),
        'send 1xx': to('proceeding', 'send response'),
        'send 2xx': to('completed', 'send response'),
        'send 3xx-6xx': to('completed', 'send response'),
        'timer guard': to('terminated', 'timeout'),
        'transport error': to('terminated', 'transport-error'),
      },
    },
    completed: {
      end: 'timer J',
      on: {
        // "While in the "Completed" state, the server transaction MUST pass the final response to the transport layer for
        // retransmission whenever a retransmission of the request is received. Any other final responses passed by the TU to the
        // server transaction MUST be discarded while in the "Completed" state."
        request: to('completed', 'resend response'),
        'timer J': to('terminated'),
        'transport error': to('terminated', 'transport-error'),
      },
    },
  },
};
