import { describe, expect, it } from 'vitest';
import { headers } from '../../shim/core/sip/index.ts';
import { CALLER, forkedCall, summary, to } from './forking.ts';

const breadths = (call: ReturnType<typeof forkedCall>, ...hosts: number[]) =>
  hosts.map((host) => headers(call.at(host), 'max-breadth').join());

describe('RFC 5393 5.3.3 Max-Breadth', () => {
  it('is 60 where a request that carries none is forked, shared out among its branches', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 1 });
    expect(breadths(call, 3, 4, 5)).toEqual(['20', '20', '20']);
  });

  it('is shared out where it came, and replaced by what one branch gets', () => {
    const call = forkedCall({ 3: 1, 4: 1 }, { headers: ['Max-Breadth: 7'] });
    expect(breadths(call, 3, 4)).toEqual(['3', '3']);
  });

  it('is no more than the highest that is taken', () => {
    expect(breadths(forkedCall({ 3: 1 }, { headers: ['Max-Breadth: 4000000'] }), 3)).toEqual(['60']);
  });

  it('is not put into a request that goes to one target alone', () => {
    expect(breadths(forkedCall({ 3: 1 }), 3)).toEqual(['']);
  });

  it('of fewer than there are targets makes a fork serial', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 1 }, { headers: ['Max-Breadth: 2'] });
    expect(summary(call.started)).toEqual([`INVITE > ${to(3)}`, `INVITE > ${to(4)}`]);
    expect(summary(call.answer(4, 486))).toEqual([`ACK > ${to(4)}`, `INVITE > ${to(5)}`]);
    expect(breadths(call, 3, 4, 5)).toEqual(['1', '1', '1']);
  });

  it('5.3.3.1: is used again by the next group', () => {
    const call = forkedCall({ 3: 1, 4: 1, 5: 0.5 }, { headers: ['Max-Breadth: 10'] });
    call.answer(3, 486);
    call.answer(4, 486);
    expect(breadths(call, 3, 4, 5)).toEqual(['5', '5', '10']);
  });

  it('of 0 is answered 440', () => {
    const call = forkedCall({ 3: 1 }, { headers: ['Max-Breadth: 0'] });
    expect(summary(call.started)).toEqual([`440 > ${CALLER}`]);
    expect(call.shim.element.presence.tracker.calls.size).toBe(0);
  });
});
