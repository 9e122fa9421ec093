import { scan } from '../../../shim/core/sip/index.ts';
import { credentialsLine, users } from '../../support/digest.ts';
import { flow, testElement } from '../../support/element.ts';
import { mutate } from '../../support/mutate.ts';
import { requestText } from '../../support/sip-text.ts';
import { must, type Target } from '../target.ts';

const ALICE = { username: 'alice', password: 'of alice' };
const ROOMY = { headerBytes: 100_000, headerCount: 1000, bodyBytes: 100_000 };
const REALM = 'example.com';
const shimOf = () => testElement({ users: users({ 'alice@example.com': ALICE.password, 'bob@example.com': 'of bob' }) });

function register(branch: string, line?: string): string {
  const parts = { uri: `sip:${REALM}`, from: `<sip:alice@${REALM}>;tag=r`, to: `<sip:alice@${REALM}>`, callId: 'digest' };
  const headers = ['Contact: <sip:alice@127.0.0.2:5060>', 'Expires: 600', ...(line === undefined ? [] : [line])];
  return requestText('REGISTER', {
    ...parts,
    via: `SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK${branch}`,
    cseq: branch.length,
    headers,
  });
}

/** The same shim gives the same challenge: what answers it once answers it again. */
function answered(more: Parameters<typeof credentialsLine>[3] = {}): string {
  const challenge = shimOf().receive(register('a'), flow(2)).messages[0];
  if (challenge === undefined) throw new Error('no challenge');
  return register('ab', credentialsLine(challenge, { method: 'REGISTER', uri: `sip:${REALM}` }, ALICE, more));
}

/** Whose password it was: the hash is over the name, so that no other name goes with it. */
const vouchedFor = (text: string): boolean =>
  text
    .replace(/[\s\\]/g, '')
    .toLowerCase()
    .includes('username="alice"');

/** RFC 3261 22, RFC 8760: credentials that are damaged register nobody, and never anybody else than whose password it was. */
export const digest: Target = {
  name: 'digest',
  seeds: [answered(), answered({ algorithm: 'MD5' }), answered({ nc: '00000002' }), register('abc')],
  mutate: (input, other, chance) => {
    // Where credentials stand most of the damage is done.
    const [line = ''] = /^Authorization:.*$/m.exec(input) ?? [];
    if (line === '' || chance() < 0.3) return mutate(input, other, chance);
    return input.replace(line, () => mutate(line, /^Authorization:.*$/m.exec(other)?.[0] ?? line, chance));
  },
  run(input) {
    const shim = shimOf();
    const first = shim.receive(register('a'), flow(2));
    must(first.sent.length === 1, 'no challenge');
    const outcome = shim.receive(input, flow(2));
    if (outcome.defects.length > 0) throw outcome.defects[0];
    for (const aor of shim.element.location.users())
      must(aor === 'sip:alice@example.com' && vouchedFor(input), `${aor} is registered`);
    for (const { text } of outcome.sent)
      if (!text.startsWith('SIP/')) must(scan(text, ROOMY, 'stream').ok, 'what is sent is malformed');
  },
};
