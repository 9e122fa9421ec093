/**
 * RFC 4475, message by message: what the RFC says should happen and what the shim does. The shim of this table serves the domains of the
 * messages, the users that they are for are registered at it, and it asks for no authentication. `rfc4475.test.ts` holds each row
 * against the whole element, and `npm run test:table` writes the table into test/README.md.
 */
export interface TortureMessage {
  readonly section: string;
  readonly name: string;
  /** The title of the section. */
  readonly title: string;
  /** What the RFC says should happen at a proxy or registrar. */
  readonly asked: string;
  /** The start line of the answer after its version, or what else becomes of the message. */
  readonly done: 'relayed' | 'dropped' | `${number} ${string}`;
  /** Why not as the RFC asks, or why this of several ways that it allows. */
  readonly reason?: string;
}

const NO_TRANSACTION = 'it matches no request here, and RFC 6026 8.2 forbids to forward such a response';
const STRICT = 'what one element mends and the next does not becomes two meanings of one message';

type Row = readonly [section: string, name: string, title: string, asked: string, done: TortureMessage['done'], reason?: string];

const ROWS: readonly Row[] = [
  ['3.1.1.1', 'wsinv', 'A Short Tortuous INVITE', 'valid: a proxy forwards it', 'relayed'],
  ['3.1.1.2', 'intmeth', 'Wide Range of Valid Characters', 'valid: a proxy forwards it', 'relayed'],
  ['3.1.1.3', 'esc01', 'Valid Use of the % Escaping Mechanism', 'valid: the user part stays one user', 'relayed'],
  ['3.1.1.4', 'escnull', 'Escaped Nulls in URIs', 'valid: two contacts are bound, of users NUL and NUL NUL', '200 OK'],
  [
    '3.1.1.5',
    'esc02',
    'Use of % When It Is Not an Escape',
    'valid: the method is no REGISTER, % escapes nothing in it',
    '405 Method Not Allowed',
  ],
  ['3.1.1.6', 'lwsdisp', 'No LWS between Display Name and <', 'valid: a proxy forwards it', 'relayed'],
  ['3.1.1.7', 'longreq', 'Long Values in Header Fields', 'valid: a proxy forwards it', 'relayed'],
  [
    '3.1.1.8',
    'dblreq',
    'Extra Trailing Octets in a UDP Datagram',
    'the REGISTER is taken, what stands behind its Content-Length is ignored',
    '200 OK',
  ],
  ['3.1.1.9', 'semiuri', 'Semicolon-Separated Parameters in URI User Part', 'valid: all before the @ is the user', 'relayed'],
  ['3.1.1.10', 'transports', 'Varied and Unknown Transport Types', 'valid: the Vias below the top are not judged', 'relayed'],
  ['3.1.1.11', 'mpart01', 'Multipart MIME Message', 'valid: the body, binary parts too, is left as it is', 'relayed'],
  ['3.1.1.12', 'unreason', 'Unusual Reason Phrase', 'valid: understood', 'dropped', NO_TRANSACTION],
  ['3.1.1.13', 'noreason', 'Empty Reason Phrase', 'valid: understood', 'dropped', NO_TRANSACTION],
  ['3.1.2.1', 'badinv01', 'Extraneous Header Field Separators', '400', '400 Malformed Via'],
  ['3.1.2.2', 'clerr', 'Content Length Larger Than Message', '400 (UDP)', '400 Body shorter than Content-Length'],
  ['3.1.2.3', 'ncl', 'Negative Content-Length', '400', '400 Malformed Content-Length'],
  ['3.1.2.4', 'scalar02', 'Request Scalar Fields with Overlarge Values', '400, for the CSeq', '400 Malformed CSeq'],
  ['3.1.2.5', 'scalarlg', 'Response Scalar Fields with Overlarge Values', 'discarded', 'dropped'],
  ['3.1.2.6', 'quotbal', 'Unterminated Quoted String in Display Name', '400, or a careful guess', '400 Malformed To', STRICT],
  [
    '3.1.2.7',
    'ltgtruri',
    '<> Enclosing Request-URI',
    '400; the liberal may take the brackets off',
    '400 Malformed Request-URI',
    STRICT,
  ],
  [
    '3.1.2.8',
    'lwsruri',
    'Malformed SIP Request-URI (embedded LWS)',
    '400, and no attempt to mend it',
    '400 Malformed start line',
  ],
  [
    '3.1.2.9',
    'lwsstart',
    'Multiple SP Separating Request-Line Elements',
    '400; the liberal may ignore the spaces',
    '400 Malformed start line',
    STRICT,
  ],
  [
    '3.1.2.10',
    'trws',
    'SP Characters at End of Request-Line',
    '400; the liberal may ignore the spaces',
    '400 Malformed start line',
    STRICT,
  ],
  [
    '3.1.2.11',
    'escruri',
    'Escaped Headers in SIP Request-URI',
    '400, or the header components taken off; never followed',
    '400 Header components in Request-URI',
    STRICT,
  ],
  [
    '3.1.2.12',
    'baddate',
    'Invalid Time Zone in Date Header Field',
    '400 where Date is used; others ignore it',
    'relayed',
    'Date is not used here',
  ],
  [
    '3.1.2.13',
    'regbadct',
    'Failure to Enclose name-addr URI in <>',
    '400; the liberal may guess the brackets',
    '400 Malformed Contact',
    'whose header parameters and whose URI parameters they are cannot be told',
  ],
  [
    '3.1.2.14',
    'badaspec',
    'Spaces within addr-spec',
    '400; the liberal may ignore the spaces',
    'relayed',
    'the spaces stand at the ends of the URI alone, where they cannot be taken for anything else',
  ],
  [
    '3.1.2.15',
    'baddn',
    'Non-token Characters in Display Name',
    '400; the liberal may guess the quotes',
    '400 Malformed From',
    STRICT,
  ],
  ['3.1.2.16', 'badvers', 'Unknown Protocol Version', '505', '505 Version Not Supported'],
  ['3.1.2.17', 'mismatch01', 'Start Line and CSeq Method Mismatch', '400', '400 CSeq method does not match request method'],
  [
    '3.1.2.18',
    'mismatch02',
    'Unknown Method with CSeq Method Mismatch',
    '501; 400 is acceptable too',
    '400 CSeq method does not match request method',
    'a proxy relays methods that it does not know: the method is not what is wrong',
  ],
  ['3.1.2.19', 'bigcode', 'Overlarge Response Code', 'discarded', 'dropped'],
  [
    '3.2.1',
    'badbranch',
    'Missing Transaction Identifier',
    'matched as RFC 2543 did, by other fields; never by the empty branch',
    'relayed',
  ],
  [
    '3.3.1',
    'insuf',
    'Missing Required Header Fields',
    'must not break; ideally 400',
    'dropped',
    'an answer copies From, To and Call-ID (RFC 3261 8.2.6.2); without them it would be malformed itself',
  ],
  ['3.3.2', 'unkscm', 'Request-URI with Unknown Scheme', '416', '416 Unsupported URI Scheme'],
  ['3.3.3', 'novelsc', 'Request-URI with Known but Atypical Scheme', '416', '416 Unsupported URI Scheme'],
  [
    '3.3.4',
    'unksm2',
    'Unknown URI Schemes in Header Fields',
    '400 from a registrar, since To is no SIP URI',
    '404 Not Found',
    'RFC 3261 10.3 step 5: an address of record that is not valid for the domain is answered 404, whatever makes it so',
  ],
  ['3.3.5', 'bext01', 'Proxy-Require and Require', '420 with what Proxy-Require asks for in Unsupported', '420 Bad Extension'],
  ['3.3.6', 'invut', 'Unknown Content-Type', 'a proxy forwards it; the phone answers 415', 'relayed'],
  [
    '3.3.7',
    'regaut01',
    'Unknown Authorization Scheme',
    'as if there were no credentials: challenged where some are asked for',
    '200 OK',
  ],
  ['3.3.8', 'multi01', 'Multiple Values in Single Value Required Fields', '400', '400 Header field repeated that must be single'],
  ['3.3.9', 'mcl01', 'Multiple Content-Length Values', '400', '400 Header field repeated that must be single'],
  [
    '3.3.10',
    'bcast',
    '200 OK Response with Broadcast Via Header Field Value',
    'dropped; never sent to the broadcast address',
    'dropped',
  ],
  ['3.3.11', 'zeromf', 'Max-Forwards of Zero', '483 from a proxy', '483 Too Many Hops'],
  ['3.3.12', 'cparam01', 'REGISTER with a Contact Header Parameter', 'accepted', '200 OK'],
  ['3.3.13', 'cparam02', 'REGISTER with a url-parameter', 'accepted', '200 OK'],
  ['3.3.14', 'regescrt', 'REGISTER with a URL Escaped Header', 'accepted, the header component kept in the contact', '200 OK'],
  ['3.3.15', 'sdp01', 'Unacceptable Accept Offering', 'a proxy forwards it; the phone answers 406', 'relayed'],
  ['3.4.1', 'inv2543', 'INVITE with RFC 2543 Syntax', 'accepted, with no branch, tag or Max-Forwards', 'relayed'],
];

/** All messages of RFC 4475, in its order. */
export const RFC4475: readonly TortureMessage[] = ROWS.map(([section, name, title, asked, done, reason]) => ({
  ...{ section, name, title, asked, done },
  ...(reason === undefined ? {} : { reason }),
}));

/** `3.1.1.1-wsinv.sip`, in fixtures/rfc4475. */
export const tortureFile = ({ section, name }: Pick<TortureMessage, 'section' | 'name'>): string => `${section}-${name}.sip`;

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** The table in Markdown. */
export function tortureTable(messages: readonly TortureMessage[] = RFC4475): string {
  const rows = messages.map(
    ({ section, name, title, asked, done, reason = '' }) =>
      `| ${[section, `\`${name}\` ${cell(title)}`, cell(asked), cell(done), cell(reason)].join(' | ')} |`,
  );
  const head = '| Section | Message | What RFC 4475 says | What the shim does | Reason, where it deviates or may choose |';
  return [head, '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}
