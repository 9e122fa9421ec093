const REPLACEMENT = '\ufffd';

/** Decodes a byte string as UTF-8. What is not UTF-8 (RFC 3629) becomes U+FFFD, one for each byte that begins nothing. */
export function utf8(bytes: string): string {
  let i = 0;
  while (i < bytes.length && bytes.charCodeAt(i) < 0x80) i++;
  if (i === bytes.length) return bytes;
  let out = bytes.slice(0, i);
  while (i < bytes.length) {
    const lead = bytes.charCodeAt(i);
    if (lead < 0x80) {
      out += bytes[i];
      i++;
      continue;
    }
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const point = sequence(bytes, i, lead, length);
    out += point === -1 ? REPLACEMENT : String.fromCodePoint(point);
    i += point === -1 ? 1 : length;
  }
  return out;
}

function sequence(bytes: string, at: number, lead: number, length: number): number {
  if (lead < 0xc2 || lead > 0xf4) return -1;
  let point = lead & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    const c = bytes.charCodeAt(at + i);
    if ((c & 0xc0) !== 0x80 || c > 0xff) return -1;
    point = (point << 6) | (c & 0x3f);
  }
  // Overlong forms and surrogates are not UTF-8.
  if ((length === 3 && point < 0x800) || (length === 4 && (point < 0x10000 || point > 0x10ffff))) return -1;
  return point >= 0xd800 && point <= 0xdfff ? -1 : point;
}

/** Encodes text as a byte string of UTF-8. A lone surrogate becomes U+FFFD. */
export function bytes(text: string): string {
  let i = 0;
  while (i < text.length && text.charCodeAt(i) < 0x80) i++;
  if (i === text.length) return text;
  let out = text.slice(0, i);
  for (const char of text.slice(i)) {
    let point = char.codePointAt(0) as number;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) out += char;
    else if (point < 0x800) out += String.fromCharCode(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x10000)
      out += String.fromCharCode(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else
      out += String.fromCharCode(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 0x3f),
        0x80 | ((point >> 6) & 0x3f),
        0x80 | (point & 0x3f),
      );
  }
  return out;
}
