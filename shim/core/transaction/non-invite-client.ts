import { type Machine, to } from './machine.ts';

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed';

/** Non-INVITE client transaction: RFC 3261 17.1.2, Figure 6. */
export const NON_INVITE_CLIENT: Machine<NonInviteClientState> = {
  initial: 'trying',
  states: {
    trying: {
      repeat: 'timer E',
      end: 'timer F',
      on: {
        // RFC 3261 17.1.2.2: "If timer E fires while in [Trying], the timer is reset, but this time with a value of MIN(2*T1, T2)."
        'timer E': to('trying', 'send request'),
        // "If Timer F fires while the client transaction is still in the "Trying" state, the client transaction SHOULD inform the TU
        // about the timeout, and then it SHOULD enter the "Terminated" state."
        'timer F': to('terminated', 'timeout'),
        'response 100': to('proceeding', 'deliver'),
        'response 1xx': to('proceeding', 'deliver'),
        'response 2xx': to('completed', 'forget text', 'deliver'),
        'response 3xx-6xx': to('completed', 'forget text', 'deliver'),
        'transport error': to('terminated', 'transport-error'),
      },
    },
    proceeding: {
      // A provisional response stops neither E nor F: the server answers only what it is asked again.
      repeat: 'timer E',
      end: 'timer F',
      on: {
        // "If Timer E fires while in the "Proceeding" state, the request MUST be passed to the transport layer for retransmission, and
        // Timer E MUST be reset with a value of T2 seconds."
        'timer E': to('proceeding', 'send request'),
        'timer F': to('terminated', 'timeout'),
        'response 100': to('proceeding', 'deliver'),
        'response 1xx': to('proceeding', 'deliver'),
        'response 2xx': to('completed', 'forget text', 'deliver'),
        'response 3xx-6xx': to('completed', 'forget text', 'deliver'),
        'transport error': to('terminated', 'transport-error'),
      },
    },
    completed: {
      // "The "Completed" state exists to buffer any additional response retransmissions that may be received".
      end: 'timer K',
      on: { 'timer K': to('terminated') },
    },
  },
};
