import { from, header, type Message } from '../sip/index.ts';

/** What scanners call themselves, in lower case. */
export const DEFAULT_SCANNERS: readonly string[] = [
  'friendly-scanner',
  'sipvicious',
  'sundayddr',
  'sip-scan',
  'sipcli',
  'sipsak',
  'vaxsipuseragent',
  'pplsip',
  'iwar',
  'sivus',
  'gulp',
  'smap',
];

/** From of the requests by which the best known scanner looks around, whatever it calls itself. */
const SCANNER_FROM = 'sip:100@1.1.1.1';

/** Is that request one of a scanner, by its User-Agent or its From. `names` in lower case. */
export function isScanner(m: Message, names: readonly string[]): boolean {
  const agent = header(m, 'user-agent');
  if (agent !== undefined && contains(agent, names)) return true;
  const sender = from(m);
  return sender !== undefined && (sender.uri === SCANNER_FROM || contains(sender.display, names));
}

function contains(text: string, names: readonly string[]): boolean {
  if (text === '') return false;
  const lower = text.toLowerCase();
  return names.some((name) => lower.includes(name));
}
