import { headers, type Message } from '../../shim/core/sip/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { answerTo, flow, type Outcome, testElement } from '../support/element.ts';
import { requestText } from '../support/sip-text.ts';

export const PBX_FLOW = flow(8, 5080);
export const PBX = { transport: 'udp', host: '127.0.0.8', port: 5080 } as const;

type Otherwise = NonNullable<Parameters<typeof testElement>[0]>;

/** A shim at the edge of a PBX at 127.0.0.8:5080. The test plays telephones and PBX. */
export function edge(placing: Otherwise['placing'] = {}, otherwise: Otherwise = {}) {
  const shim = testElement({ upstream: PBX, placing: { mode: 'edge', ...placing }, ...otherwise });
  let registers = 0;
  /** What the telephone sends; `asked` is the REGISTER as the PBX gets it. */
  const ask = (user: string, from: Flow, lines: readonly string[], more: { callId?: string; domain?: string } = {}) => {
    const { address, port } = from.remote;
    const aor = `sip:${user}@${more.domain ?? 'example.com'}`;
    const result = shim.receive(
      requestText('REGISTER', {
        uri: `sip:${more.domain ?? 'example.com'}`,
        via: `SIP/2.0/${from.transport.toUpperCase()} ${address}:${port};branch=z9hG4bKr${++registers}`,
        ...{
          from: `<${aor}>;tag=r`,
          to: `<${aor}>`,
          callId: more.callId ?? `reg-${user}-${address}`,
          cseq: registers,
          headers: lines,
        },
      }),
      from,
    );
    return { result, asked: result.messages[0] as Message };
  };
  const answer = (request: Message, status: number, lines: readonly string[]) =>
    shim.receive(answerTo(request, status, { tag: 'pbx', headers: [...lines] }), PBX_FLOW);
  return {
    ...shim,
    ask,
    answer,
    contactOf: (user: string, from: Flow) =>
      `sip:${user}@${from.remote.address}:${from.remote.port}${from.transport === 'tcp' ? ';transport=tcp' : ''}`,
    /** Registers: the PBX grants `granted` seconds to each contact that it was given. Returns what the PBX got. */
    register(user: string, from: Flow, granted = 3600): { asked: Message; done: Outcome } {
      const { asked } = ask(user, from, [`Contact: <${this.contactOf(user, from)}>`, 'Expires: 7200']);
      const done = answer(
        asked,
        200,
        headers(asked, 'contact').map((value) => `Contact: ${value};expires=${granted}`),
      );
      return { asked, done };
    },
  };
}

export type Edge = ReturnType<typeof edge>;

/** The lines of a field of the first message. */
export const lines = (result: Outcome, name: string): string[] => (result.messages[0] ? headers(result.messages[0], name) : []);
