import { describe, expect, it } from 'vitest';
import { header } from '../../shim/core/sip/index.ts';
import { flow } from '../support/element.ts';
import { CALLER, forkedCall, summary, to } from './forking.ts';

const UPSTREAM = { transport: 'udp', host: '127.0.0.8', port: 5080 } as const;
const contact = (...values: string[]) => ({ headers: [`Contact: ${values.join(', ')}`] });
const CAROL = '<sip:carol@example.com>';

/** Bob, and Carol with a telephone at 127.0.0.7. */
function office(phones: Readonly<Record<number, number>>, options: Parameters<typeof forkedCall>[1] = {}) {
  return forkedCall(phones, { ...options, before: (shim) => shim.register('carol', flow(7)) });
}

describe('RFC 3261 16.7 step 4 a redirection', () => {
  it('to a user served here is followed', () => {
    const call = office({ 3: 1 });
    expect(summary(call.answer(3, 302, contact(CAROL)))).toEqual([`ACK > ${to(3)}`, `INVITE > ${to(7)}`]);
    expect(call.at(7).uri).toBe(`sip:carol@${to(7)}`);
    expect(summary(call.answer(7, 200))).toEqual([`200 > ${CALLER}`]);
  });

  it('is followed at once, while the other telephones ring on', () => {
    const call = office({ 3: 1, 4: 1 });
    call.answer(4, 180);
    expect(summary(call.answer(3, 302, contact(CAROL)))).toEqual([`ACK > ${to(3)}`, `INVITE > ${to(7)}`]);
    expect(summary(call.answer(7, 200))).toEqual([`200 > ${CALLER}`, `CANCEL > ${to(4)}`]);
  });

  it('to the upstream is followed', () => {
    const call = office({ 3: 1 }, { upstream: UPSTREAM });
    expect(summary(call.answer(3, 302, contact('<sip:0123@127.0.0.8:5080>')))).toEqual([
      `ACK > ${to(3)}`,
      'INVITE > 127.0.0.8:5080',
    ]);
  });

  it.each([
    ['to somebody elsewhere', ['<sip:x@203.0.113.9>']],
    ['to several of whom one is elsewhere', [CAROL, '<sip:x@203.0.113.9>']],
    ['to a number that nobody here has', ['<sip:0123@example.com>']],
    ['with header fields in its Contact', ['<sip:carol@example.com?Subject=x>']],
    ['to no SIP URI', ['<mailto:carol@example.com>']],
  ])('%s goes back to the caller as it is', (_, values) => {
    const call = office({ 3: 1 });
    const back = call.answer(3, 302, contact(...values));
    expect(summary(back)).toEqual([`ACK > ${to(3)}`, `302 > ${CALLER}`]);
    expect(header(back.messages[1] as never, 'contact')).toBe(values.join(', '));
  });

  it.each([305, 380])('%i goes back to the caller: it asks for what only the caller can do', (status) => {
    expect(summary(office({ 3: 1 }).answer(3, status, contact(CAROL)))).toEqual([`ACK > ${to(3)}`, `${status} > ${CALLER}`]);
  });

  it('goes back where recurse is off', () => {
    expect(summary(office({ 3: 1 }, { recurse: false }).answer(3, 302, contact(CAROL)))).toEqual([
      `ACK > ${to(3)}`,
      `302 > ${CALLER}`,
    ]);
  });

  it('is not followed when the caller has given up, or another telephone has declined for all', () => {
    const cancelled = office({ 3: 1 });
    cancelled.answer(3, 180);
    cancelled.cancel();
    expect(summary(cancelled.answer(3, 302, contact(CAROL)))).toEqual([`ACK > ${to(3)}`, `302 > ${CALLER}`]);
    const declined = office({ 3: 1, 4: 1 });
    declined.answer(4, 603);
    expect(summary(declined.answer(3, 302, contact(CAROL)))).toEqual([`ACK > ${to(3)}`, `603 > ${CALLER}`]);
  });
});

describe('RFC 3261 16.5 the target set', () => {
  it('takes no target twice: a redirection in a circle ends', () => {
    const call = office({ 3: 1 });
    call.answer(3, 302, contact(CAROL));
    expect(summary(call.answer(7, 302, contact('<sip:bob@example.com>')))).toEqual([`ACK > ${to(7)}`, `482 > ${CALLER}`]);
  });

  it('takes the Contacts of a redirection by their q, one after the other', () => {
    const call = office({ 3: 1 }, { upstream: UPSTREAM });
    const twice = contact(`${CAROL};q=0.2`, '<sip:0123@127.0.0.8:5080>;q=0.9');
    expect(summary(call.answer(3, 302, twice))).toEqual([`ACK > ${to(3)}`, 'INVITE > 127.0.0.8:5080']);
    expect(summary(call.answer(8, 404))).toEqual(['ACK > 127.0.0.8:5080', `INVITE > ${to(7)}`]);
  });

  it('takes those of equal q at once', () => {
    const call = office({ 3: 1 }, { upstream: UPSTREAM });
    const twice = contact(CAROL, '<sip:0123@127.0.0.8:5080>');
    expect(summary(call.answer(3, 302, twice))).toEqual([`ACK > ${to(3)}`, `INVITE > ${to(7)}`, 'INVITE > 127.0.0.8:5080']);
  });

  it('is never larger than maxBranches: a redirection beyond it goes back', () => {
    const call = office({ 3: 1 }, { maxBranches: 1 });
    expect(summary(call.answer(3, 302, contact(CAROL)))).toEqual([`ACK > ${to(3)}`, `302 > ${CALLER}`]);
  });

  it('gets nothing of a redirection to more than maxBranches: to compare them all would take seconds', () => {
    const call = office({ 3: 1 }, { maxBranches: 10 });
    const many = Array.from({ length: 11 }, (_, i) => `<sip:carol@example.com;x=${i}>`);
    expect(summary(call.answer(3, 302, contact(...many)))).toEqual([`ACK > ${to(3)}`, `302 > ${CALLER}`]);
    const few = office({ 3: 1 }, { maxBranches: 10 });
    expect(summary(few.answer(3, 302, contact(...many.slice(0, 10)))).at(-1)).toBe(`INVITE > ${to(7)}`);
  });

  it('gets nothing added for a Request-URI that this element is not responsible for', () => {
    const call = office({ 3: 1 }, { upstream: UPSTREAM, uri: 'sip:x@far.example' });
    expect(summary(call.started)).toEqual(['INVITE > 127.0.0.8:5080']);
    expect(summary(call.answer(8, 302, contact(CAROL)))).toEqual(['ACK > 127.0.0.8:5080', `302 > ${CALLER}`]);
  });
});

describe('Offhook presence of a call that is redirected', () => {
  it('moves from the one who redirects to the one who rings, and the caller is in a call all the time', () => {
    const call = office({ 3: 1 });
    call.answer(3, 180);
    expect(call.told()).toEqual(['alice early', 'bob early']);
    call.answer(3, 302, contact(CAROL));
    expect(call.told()).toEqual([]);
    call.answer(7, 180);
    expect(call.told()).toEqual(['alice early', 'carol early', 'alice idle', 'bob idle']);
    call.answer(7, 200);
    expect(call.told()).toEqual(['alice talking', 'carol talking']);
  });

  it('ends for all whom it rang when one of them answers', () => {
    const call = office({ 3: 1, 4: 1 });
    call.answer(4, 180);
    call.answer(3, 302, contact(CAROL));
    call.answer(7, 180);
    call.told();
    call.answer(7, 200);
    expect(call.told().sort()).toEqual(['alice idle', 'alice talking', 'bob idle', 'carol talking']);
    call.answer(4, 487);
    expect(call.told()).toEqual([]);
  });

  it('ends for all when nobody answers', () => {
    const call = office({ 3: 1, 4: 1 });
    call.answer(4, 180);
    call.answer(3, 302, contact(CAROL));
    call.answer(7, 180);
    call.told();
    call.answer(7, 486);
    call.answer(4, 486);
    expect(call.told().sort()).toEqual(['alice idle', 'alice idle', 'bob idle', 'carol idle']);
    expect(call.shim.element.presence.tracker.calls.size).toBe(0);
  });
});
