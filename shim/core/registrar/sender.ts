import type { Naming } from '../placing/naming.ts';
import { from, type Message } from '../sip/index.ts';
import type { Flow } from '../transport.ts';
import type { Binding } from './binding.ts';

/**
 * The user registered here who sent that request: who stands in From, where the request comes from an address at which that user is
 * registered. Undefined for everybody else: a name in From is anybody's word.
 */
export function senderOf(
  m: Message,
  flow: Flow,
  lookup: (aor: string) => readonly Binding[],
  naming: Naming,
): string | undefined {
  const user = naming.aorOf(from(m)?.uri ?? '');
  if (user === undefined) return undefined;
  return lookup(user).some((binding) => isSameSource(binding.flow, flow)) ? user : undefined;
}

/** Browsers behind one web server all come from its address: each is known by its WebSocket. */
function isSameSource(registered: Flow, { transport, remote, connection }: Flow): boolean {
  if (registered.remote.address !== remote.address) return false;
  return (transport !== 'ws' && transport !== 'wss') || registered.connection === connection;
}
