import { describe, expect, it } from 'vitest';
import { learn } from '../../shim/core/registrar/learn.ts';
import { Location } from '../../shim/core/registrar/location.ts';
import { response } from '../support/sip-text.ts';
import { AOR, FLOW, registerRequest, story, T0 } from './request.ts';

const policy = { defaultExpires: 3600, maxExpires: 86_400, maxContacts: 10 };
const [A, B] = ['sip:alice@192.0.2.1', 'sip:alice@192.0.2.2'];

/** A user with one phone at A, at a registrar that is known to enumerate. */
function withA() {
  const location = new Location();
  const learned = (asked: readonly string[], answered: readonly string[], callId: string, enumerates: boolean) => {
    const answer = response(200, 'REGISTER', { headers: answered });
    const request = registerRequest(asked, { callId, cseq: 2 });
    return story({ changes: learn(request, answer, { aor: AOR, location, flow: FLOW, policy, enumerates, now: T0 }) });
  };
  learned([`Contact: <${A}>`], [`Contact: <${A}>;expires=600`], 'c1', true);
  return learned;
}

describe('RFC 3261 10.3 step 8 "enumerating all current bindings", by a registrar that is known to do so', () => {
  it.each([
    [
      'the list holds another one alone',
      [`Contact: <${B}>`],
      [`Contact: <${B}>;expires=60`],
      [`added ${B}`, `removed ${A} displaced`],
    ],
    ['the list is empty after the end of another', [`Contact: <${B}>;expires=0`], [], [`removed ${A} displaced`]],
    ['a fetch finds nothing', [], [], [`removed ${A} displaced`]],
    ['a fetch finds it with no time left', [], [`Contact: <${A}>;expires=0`], [`removed ${A} displaced`]],
    ['it is there', [], [`Contact: <${A}>;expires=600`], []],
    ['a 2xx to a wish lists nothing: no list', [`Contact: <${B}>`], ['Expires: 60'], [`added ${B}`]],
  ])('%s', (_, asked, answered, changes) => expect(withA()(asked, answered, 'c2', true)).toEqual(changes));

  it('an answer that may be older than another says nothing of what it does not list', () =>
    expect(withA()([`Contact: <${B}>`], [`Contact: <${B}>;expires=60`], 'c2', false)).toEqual([`added ${B}`]));
});
