import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ElementAction } from '../../shim/core/element/element.ts';
import { Shell } from '../../shim/io/shell.ts';
import { flow, type Otherwise, testElement } from '../support/element.ts';
import { GUARD } from '../support/guard.ts';
import { requestText } from '../support/sip-text.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A shell around a real element with Bob registered; `expire` stands in the place of the element's own. */
function shell({ expire, ...otherwise }: Otherwise & { expire?: (own: () => ElementAction[]) => ElementAction[] } = {}) {
  const { element, register, at } = testElement(otherwise);
  at.now = Date.now();
  register('bob', flow(3));
  const own = element.expire.bind(element);
  if (expire) element.expire = (now) => expire(() => own(now));
  const errors: string[] = [];
  const sent: string[] = [];
  const made = new Shell({
    element,
    send: (text) => sent.push(text.slice(0, text.indexOf(' '))),
    journal: { write: () => {}, committed: () => Promise.resolve(true) },
    wake: () => {},
    onOutbox: () => {},
    clock: { now: () => Date.now() },
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: (text: string) => errors.push(text) },
    maxWaiting: 100,
  });
  return { made, errors, sent };
}

describe('Offhook shell', () => {
  it('takes a registered phone between the messages of a flood, which wait, and those in their turn', () => {
    const { made, sent } = shell({ guard: GUARD });
    for (let n = 0; n < 20; n++) made.receive(requestText('OPTIONS', { callId: `f${n}` }), flow(9));
    expect([sent.length, made.waiting]).toEqual([8, 12]);
    made.receive(requestText('INVITE'), flow(2));
    expect(sent.slice(8)).toContain('INVITE');
    const before = sent.length;
    vi.advanceTimersByTime(1);
    expect([sent.length - before, made.waiting]).toEqual([12, 0]);
  });

  it('drops what waits of who is banned by what came before it', () => {
    const { made, sent } = shell({ guard: GUARD });
    for (let n = 0; n < 8; n++) made.receive(requestText('OPTIONS', { callId: `f${n}` }), flow(9));
    made.receive(requestText('OPTIONS', { callId: 'scan', headers: ['User-Agent: friendly-scanner'] }), flow(9));
    for (let n = 0; n < 5; n++) made.receive(requestText('OPTIONS', { callId: `g${n}` }), flow(9));
    expect([sent.length, made.waiting]).toEqual([8, 6]);
    vi.advanceTimersByTime(1);
    expect([sent.length, made.waiting]).toEqual([8, 0]);
  });

  it('repeats an INVITE that nobody answers, by its one timer', () => {
    const { made, sent } = shell();
    made.receive(requestText('INVITE'), flow(2));
    vi.advanceTimersByTime(3600);
    expect(sent).toEqual(['INVITE', 'SIP/2.0', 'INVITE', 'INVITE', 'INVITE']);
  });

  it('goes on after a defect in a timer, which is told and does not come again at once', () => {
    let defects = 3;
    const { made, errors, sent } = shell({
      expire: (own) => {
        if (defects-- > 0) throw new Error('defect');
        return own();
      },
    });
    made.receive(requestText('INVITE'), flow(2));
    vi.advanceTimersByTime(2000);
    expect(errors).toEqual(['defect in a timer', 'defect in a timer']);
    vi.advanceTimersByTime(2000);
    expect(errors).toHaveLength(3);
    expect(sent.slice(0, 3)).toEqual(['INVITE', 'SIP/2.0', 'INVITE']);
  });
});
