/** RFC 4566 sessions of a test phone: one audio line, PCMU, with a direction (RFC 3264 5.1). */

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** An offer or answer of a phone at `address`. `version` rises with every new description of one session (RFC 3264 8). */
export function sdp(address: string, version: number, direction: Direction): string {
  return [
    'v=0',
    `o=phone 1 ${version} IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    'm=audio 6000 RTP/AVP 0',
    'a=rtpmap:0 PCMU/8000',
    `a=${direction}`,
    '',
  ].join('\r\n');
}

/** The direction that a description tells; `sendrecv` where it tells none (RFC 3264 5.1). */
export function directionOf(description: string): Direction {
  for (const line of description.split('\r\n')) {
    if (/^a=(?:sendrecv|sendonly|recvonly|inactive)$/.test(line)) return line.slice(2) as Direction;
  }
  return 'sendrecv';
}

const ANSWERS: Record<Direction, Direction> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/** RFC 3264 6.1: what a phone that holds nobody answers to an offer of that direction. */
export function answerTo(offered: Direction): Direction {
  return ANSWERS[offered];
}
