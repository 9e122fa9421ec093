import { expect } from 'vitest';
import { Location } from '../../shim/core/registrar/location.ts';
import { DEFAULT_REGISTRAR_POLICY, type RegistrarPolicy } from '../../shim/core/registrar/policy.ts';
import { type RegisterResult, register } from '../../shim/core/registrar/register.ts';
import { DEFAULT_MESSAGE_LIMITS, type Message, scan } from '../../shim/core/sip/index.ts';
import type { Flow } from '../../shim/core/transport.ts';

export const AOR = 'sip:alice@example.com';
export const T0 = Date.UTC(2026, 10, 22, 10);
export const FLOW: Flow = {
  transport: 'udp',
  local: { address: '127.0.0.1', port: 5060 },
  remote: { address: '127.0.0.2', port: 5062 },
};

/** A REGISTER with these Contact lines (and any other header lines). */
export function registerRequest(
  lines: readonly string[],
  options: { callId?: string; cseq?: number; expires?: number | string } = {},
): Message {
  const { callId = 'c1', cseq = 1, expires } = options;
  const text = [
    'REGISTER sip:example.com SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.2:5062;branch=z9hG4bK1',
    'Max-Forwards: 70',
    'From: <sip:alice@example.com>;tag=1',
    'To: <sip:alice@example.com>',
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} REGISTER`,
    ...(expires === undefined ? [] : [`Expires: ${expires}`]),
    ...lines,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  const result = scan(text, DEFAULT_MESSAGE_LIMITS, 'datagram');
  if (!result.ok) throw new Error(`the test's own message: ${result.reason}`);
  return result.message;
}

/** A registrar with a policy and a clock of its own. */
export function registrar(policy: Partial<RegistrarPolicy> = {}, location = new Location()) {
  const whole = { ...DEFAULT_REGISTRAR_POLICY, ...policy };
  const at = { now: T0 };
  const send = (lines: readonly string[], options: Parameters<typeof registerRequest>[1] = {}): RegisterResult =>
    register(registerRequest(lines, options), AOR, location, whole, FLOW, at.now);
  return { location, at, send };
}

/** The values of one header of an answer. */
export function values(result: RegisterResult, name: string): string[] {
  return result.headers.filter(([key]) => key === name).map(([, value]) => value);
}

/** What changed, in short: `added sip:a@1`. */
export function story(result: Pick<RegisterResult, 'changes'>): string[] {
  return result.changes.map((change) =>
    change.type === 'removed' ? `removed ${change.binding.contact} ${change.reason}` : `${change.type} ${change.binding.contact}`,
  );
}

export function expectOk(result: RegisterResult): RegisterResult {
  expect(result).toMatchObject({ status: 200, reason: 'OK' });
  return result;
}
