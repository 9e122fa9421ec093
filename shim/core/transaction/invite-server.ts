import { type Machine, to } from './machine.ts';

export type InviteServerState = 'proceeding' | 'accepted' | 'completed' | 'confirmed';

/**
 * INVITE server transaction: RFC 3261 17.2.1, Figure 7, as corrected by RFC 6026 (state Accepted, timer L).
 *
 * RFC 6026 7.1 on transport errors: "The server transaction MUST NOT discard transaction state based only on encountering a
 * non-recoverable transport error when sending a response. Instead, the associated INVITE server transaction state machine MUST
 * remain in its current state. (Timers will eventually cause it to transition to the "Terminated" state)."
 */
export const INVITE_SERVER: Machine<InviteServerState> = {
  initial: 'proceeding',
  states: {
    proceeding: {
      repeat: 'timer 100',
      end: 'timer guard',
      on: {
        // RFC 3261 17.2.1: "The server transaction MUST generate a 100 (Trying) response unless it knows that the TU will generate a
        // provisional or final response within 200 ms".
        'timer 100': to('proceeding', 'send 100'),
        // "If a request retransmission is received while in the "Proceeding" state, the most recent provisional response that was
        // received from the TU MUST be passed to the transport layer for retransmission."
        request: to('proceeding', 'resend response'),
        'send 1xx': to('proceeding', 'stop repeat', 'restart end', 'send response'),
        // RFC 6026 7.1: "If, while in the "Proceeding" state, the TU passes a 2xx response to the server transaction, the server
        // transaction MUST pass this response to the transport layer for transmission [...] and MUST transition to "Accepted"".
        'send 2xx': to('accepted', 'send response', 'forget text'),
        'send 3xx-6xx': to('completed', 'send response'),
        'timer guard': to('terminated', 'timeout'),
        'transport error': to('proceeding', 'transport-error'),
      },
    },
    accepted: {
      end: 'timer L',
      on: {
        // RFC 6026 7.1: "Any retransmissions of the INVITE received will match this transaction state machine and will be absorbed by
        // the machine without changing its state. These retransmissions are not passed onto the TU."
        request: to('accepted'),
        // The TU sends 2xx again and again until the ACK comes (13.3.1.4); a proxy passes on those of the UAS.
        'send 2xx': to('accepted', 'send response', 'forget text'),
        ack: to('accepted', 'deliver'),
        'timer L': to('terminated'),
        'transport error': to('accepted', 'transport-error'),
      },
    },
    completed: {
      repeat: 'timer G',
      end: 'timer H',
      on: {
        // RFC 3261 17.2.1: "If timer G fires, the response is passed to the transport layer once more for retransmission".
        'timer G': to('completed', 'resend response'),
        request: to('completed', 'resend response'),
        // "If an ACK is received while the server transaction is in the "Completed" state, the server transaction MUST transition to
        // the "Confirmed" state. As Timer G is ignored in this state, any retransmissions of the response will cease."
        ack: to('confirmed', 'forget text'),
        // "If timer H fires while in the "Completed" state, it implies that the ACK was never received. In this case, the server
        // transaction MUST transition to the "Terminated" state, and MUST indicate to the TU that a transaction failure has occurred."
        'timer H': to('terminated', 'timeout'),
        'transport error': to('completed', 'transport-error'),
      },
    },
    confirmed: {
      // "The purpose of the "Confirmed" state is to absorb any additional ACK messages that arrive".
      end: 'timer I',
      on: { ack: to('confirmed'), request: to('confirmed'), 'timer I': to('terminated') },
    },
  },
};
