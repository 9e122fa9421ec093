import { describe, expect, it } from 'vitest';
import { INVITE_CLIENT } from '../../shim/core/transaction/invite-client.ts';
import { INVITE_SERVER } from '../../shim/core/transaction/invite-server.ts';
import { type Machine, type MachineEvent, step } from '../../shim/core/transaction/machine.ts';
import { NON_INVITE_CLIENT } from '../../shim/core/transaction/non-invite-client.ts';
import { NON_INVITE_SERVER } from '../../shim/core/transaction/non-invite-server.ts';

/** Every event there is; the compiler sees that none is missing. */
const ALL: Record<MachineEvent, true> = {
  'timer A': true,
  'timer B': true,
  'timer C': true,
  'timer D': true,
  'timer E': true,
  'timer F': true,
  'timer G': true,
  'timer H': true,
  'timer I': true,
  'timer J': true,
  'timer K': true,
  'timer L': true,
  'timer M': true,
  'timer 100': true,
  'timer cancel': true,
  'timer guard': true,
  'response 100': true,
  'response 1xx': true,
  'response 2xx': true,
  'response 3xx-6xx': true,
  cancel: true,
  request: true,
  ack: true,
  'send 1xx': true,
  'send 2xx': true,
  'send 3xx-6xx': true,
  'transport error': true,
};
const EVENTS = Object.keys(ALL) as MachineEvent[];

/** The arrows of the figures, written a second time from the RFC: `state: event > next, ...`. */
const FIGURES: [title: string, machine: Machine, arrows: string][] = [
  [
    'RFC 3261 17.1.1 Figure 5 with RFC 6026 7.2 and RFC 3261 9.1, 16.8',
    INVITE_CLIENT as Machine,
    `calling: timer A > calling, timer B > terminated, response 100 > proceeding, response 1xx > proceeding, response 2xx > accepted, response 3xx-6xx > completed, cancel > calling-cancelled, transport error > terminated
     calling-cancelled: timer A > calling-cancelled, timer B > terminated, response 100 > cancelling, response 1xx > cancelling, response 2xx > accepted, response 3xx-6xx > completed, transport error > terminated
     proceeding: timer C > cancelling, response 100 > proceeding, response 1xx > proceeding, response 2xx > accepted, response 3xx-6xx > completed, cancel > cancelling
     cancelling: timer cancel > terminated, response 100 > cancelling, response 1xx > cancelling, response 2xx > accepted, response 3xx-6xx > completed
     completed: timer D > terminated, response 3xx-6xx > completed, transport error > terminated
     accepted: timer M > terminated, response 2xx > accepted`,
  ],
  [
    'RFC 3261 17.1.2 Figure 6',
    NON_INVITE_CLIENT as Machine,
    `trying: timer E > trying, timer F > terminated, response 100 > proceeding, response 1xx > proceeding, response 2xx > completed, response 3xx-6xx > completed, transport error > terminated
     proceeding: timer E > proceeding, timer F > terminated, response 100 > proceeding, response 1xx > proceeding, response 2xx > completed, response 3xx-6xx > completed, transport error > terminated
     completed: timer K > terminated`,
  ],
  [
    'RFC 3261 17.2.1 Figure 7 with RFC 6026 7.1',
    INVITE_SERVER as Machine,
    `proceeding: timer 100 > proceeding, timer guard > terminated, request > proceeding, send 1xx > proceeding, send 2xx > accepted, send 3xx-6xx > completed, transport error > proceeding
     accepted: timer L > terminated, request > accepted, ack > accepted, send 2xx > accepted, transport error > accepted
     completed: timer G > completed, timer H > terminated, request > completed, ack > confirmed, transport error > completed
     confirmed: timer I > terminated, request > confirmed, ack > confirmed`,
  ],
  [
    'RFC 3261 17.2.2 Figure 8 with RFC 4320',
    NON_INVITE_SERVER as Machine,
    `trying: timer 100 > proceeding, timer guard > terminated, request > trying, send 1xx > proceeding, send 2xx > completed, send 3xx-6xx > completed, transport error > terminated
     proceeding: timer guard > terminated, request > proceeding, send 1xx > proceeding, send 2xx > completed, send 3xx-6xx > completed, transport error > terminated
     completed: timer J > terminated, request > completed, transport error > terminated`,
  ],
];

describe.each(FIGURES)('%s', (_, machine, arrows) => {
  const expected = new Map(
    arrows.split('\n').map((line) => {
      const [state, list] = line.trim().split(': ') as [string, string];
      return [state, new Map(list.split(', ').map((arrow) => arrow.split(' > ') as [string, string]))];
    }),
  );

  it('has the states of the figure', () => {
    expect(Object.keys(machine.states)).toEqual([...expected.keys()]);
    expect(machine.initial).toBe([...expected.keys()][0]);
  });

  it.each([...expected.keys()])('has in %s the arrows of the figure, and no event but those changes anything', (state) => {
    const found = EVENTS.map((event) => [event, step(machine, state, event)?.next]);
    expect(found).toEqual(EVENTS.map((event) => [event, expected.get(state)?.get(event)]));
  });

  it('has an end for every state, and an arrow for every timer that runs in it', () => {
    for (const table of Object.values(machine.states)) {
      expect(table.end).toBeDefined();
      for (const timer of [table.repeat, table.end]) if (timer !== undefined) expect(table.on[timer]).toBeDefined();
    }
  });
});
