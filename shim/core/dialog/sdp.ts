import { LIMITS, type MediaReport, type SessionType } from '#protocol';

const DIRECTIONS = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive']);
/** RFC 3551 6: payload types with a fixed meaning, for descriptions that do not spell them out. */
const STATIC: Record<string, string> = {
  '0': 'PCMU',
  '3': 'GSM',
  '4': 'G723',
  '8': 'PCMA',
  '9': 'G722',
  '15': 'G728',
  '18': 'G729',
};

/**
 * The media of a session description (RFC 8866), as presence tells them: type, first codec, direction. Lines that are not understood
 * are passed over; a rejected stream (port 0, RFC 3264 6) is left out.
 */
export function mediaOf(sdp: string): MediaReport[] {
  const media: { type: string; format: string; port: string; codec?: string; direction?: string }[] = [];
  let session: string | undefined;
  for (const line of sdp.split('\n')) {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    const current = media.at(-1);
    if (text.startsWith('m=')) {
      if (media.length === LIMITS.media) break;
      const [type = '', port = '', , format = ''] = text.slice(2).split(' ');
      media.push({ type: type.slice(0, 16), port, format });
    } else if (text.startsWith('a=rtpmap:') && current) {
      const [format, encoding = ''] = text.slice(9).split(' ');
      if (format === current.format) current.codec = (encoding.split('/')[0] as string).slice(0, 32);
    } else if (text.startsWith('a=') && DIRECTIONS.has(text.slice(2))) {
      if (current) current.direction = text.slice(2);
      else session = text.slice(2);
    }
  }
  return media
    .filter((m) => m.port !== '0' && m.type !== '')
    .map(({ type, format, codec = STATIC[format], direction = session ?? 'sendrecv' }) => ({
      type,
      ...(codec ? { codec } : {}),
      direction: direction as NonNullable<MediaReport['direction']>,
    }));
}

/** Voice or video, from the media alone. */
export function sessionOf(media: readonly MediaReport[]): SessionType {
  if (media.some((m) => m.type === 'video')) return 'video';
  return media.some((m) => m.type === 'audio') ? 'voice' : 'unknown';
}
