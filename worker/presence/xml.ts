/** Text as XML 1.0 may carry it: what no XML document can hold (2.2, control characters and halves of surrogate pairs) is dropped. */
export function xmlText(text: string): string {
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    if (isXmlChar(code)) out += ESCAPES[char] ?? char;
  }
  return out;
}

/** An element; `children` are elements and texts that are escaped already. Attributes are in the order given. */
export function element(name: string, attributes: Readonly<Record<string, string>>, ...children: readonly string[]): string {
  const told = Object.entries(attributes).map(([key, value]) => ` ${key}="${xmlText(value)}"`);
  const content = children.join('');
  return content === '' ? `<${name}${told.join('')}/>` : `<${name}${told.join('')}>${content}</${name}>`;
}

/**
 * Text as a URI (RFC 3986): characters that none may hold, and a `%` that escapes nothing, are escaped. Undefined where it has no scheme.
 */
export function xmlUri(text: string): string | undefined {
  const match = /^([a-z][a-z0-9+.-]*):(.+)$/is.exec(text.toWellFormed());
  if (match === null) return undefined;
  const rest = (match[2] as string).replace(/%(?![0-9a-f]{2})|[^\w!$&'()*+,;=:@/?.~%-]/giu, (char) =>
    char === '%' ? '%25' : encodeURIComponent(char),
  );
  return `${match[1]}:${rest}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};

// XML 1.0 2.2: Char ::= #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]
function isXmlChar(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || code >= 0x10000;
}
