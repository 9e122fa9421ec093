import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ack,
  body,
  callId,
  cancel,
  cseq,
  from,
  header,
  headers,
  maxForwards,
  reasonPhrase,
  relayRequest,
  relayResponse,
  request,
  respond,
  routes,
  stampRequest,
  to,
  topVia,
  vias,
} from '../../shim/core/sip/index.ts';
import { INVITE, lines, message } from './support.ts';

const VIA = 'SIP/2.0/UDP proxy.example.com;branch=z9hG4bKproxy';
const rows = (text: string) => text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');

describe('RFC 3261 16.6 request forwarding', () => {
  it('changes only the bytes that it is asked to change', () => {
    const out = relayRequest(message(INVITE), {
      uri: 'sip:bob@192.0.2.4',
      via: VIA,
      maxForwards: 69,
      recordRoute: '<sip:proxy.example.com;lr>',
      popRoutes: 1,
      stampVia: { received: '192.0.2.1', rport: 5062 },
    });
    const expected = INVITE.replace('INVITE sip:bob@biloxi.com', 'INVITE sip:bob@192.0.2.4')
      .replace('SIP/2.0\r\n', `SIP/2.0\r\nVia: ${VIA}\r\nRecord-Route: <sip:proxy.example.com;lr>\r\n`)
      .replace('Max-Forwards: 70', 'Max-Forwards: 69')
      .replace('<sip:p1.example.com;lr>, ', '')
      .replace(';rport\r\n', ';rport=5062;received=192.0.2.1\r\n');
    expect(out).toBe(expected);
  });

  it('step 3 adds Max-Forwards where there is none, and step 9 Content-Length', () => {
    const bare = INVITE.replace('Max-Forwards: 70\r\n', '').replace(/Content-Length: \d+\r\n/, '');
    const relayed = message(relayRequest(message(bare), { via: VIA, maxForwards: 70 }), 'stream');
    expect(maxForwards(relayed)).toBe(70);
    expect(body(relayed)).toBe(body(message(INVITE)));
  });

  it('16.4, step 6 takes Route values off the top, across lines, and puts others on', () => {
    const list = INVITE.replace(
      /Route: .*\r\n/,
      'Route: <sip:a;lr> , "x, y" <sip:b;lr>\r\nSubject: s\r\nroute:\r\n <sip:c;lr>,<sip:d;lr>\r\n',
    );
    const left = (popRoutes: number, pushRoutes: string[] = []) =>
      routes(message(relayRequest(message(list), { via: VIA, popRoutes, pushRoutes })))?.map((route) => route.uri);
    expect(left(0)).toEqual(['sip:a;lr', 'sip:b;lr', 'sip:c;lr', 'sip:d;lr']);
    expect(left(1)).toEqual(['sip:b;lr', 'sip:c;lr', 'sip:d;lr']);
    expect(left(2)).toEqual(['sip:c;lr', 'sip:d;lr']);
    expect(left(3)).toEqual(['sip:d;lr']);
    expect(left(4)).toEqual([]);
    expect(left(9)).toEqual([]);
    expect(left(3, ['<sip:e;lr>', '<sip:f;lr>'])).toEqual(['sip:e;lr', 'sip:f;lr', 'sip:d;lr']);
    expect(relayRequest(message(list), { via: VIA, popRoutes: 2 })).toContain('Subject: s\r\nroute:\r\n <sip:c;lr>');
  });

  it('keeps every other header line byte for byte, whatever stands there', () => {
    const line = fc
      .tuple(fc.stringMatching(/^X-[A-Za-z0-9-]{1,10} ?$/), fc.stringMatching(/^[ -~\x80-\xff]{0,30}$/))
      .map(([name, value]) => `${name}:${value}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.nat(11), (more, place) => {
        const all = rows(INVITE);
        const text = `${all.toSpliced(place + 1, 0, ...more).join('\r\n')}\r\n\r\n${body(message(INVITE))}`;
        const out = rows(relayRequest(message(text), { via: VIA, maxForwards: 3 }));
        expect(out.filter((row) => row !== `Via: ${VIA}`)).toEqual(
          rows(text).map((row) => (row === 'Max-Forwards: 70' ? 'Max-Forwards: 3' : row)),
        );
      }),
    );
  });
});

describe('RFC 3581 4 response routing', () => {
  const stamped = (via: string, stamp: Parameters<typeof stampRequest>[1]) =>
    header(message(stampRequest(message(INVITE.replace(/Via: .*\r\n/, `Via: ${via}\r\n`)), stamp)), 'via');

  it('fills an empty rport and adds received', () => {
    expect(stamped('SIP/2.0/UDP h;rport;branch=b', { received: '192.0.2.1', rport: 9 })).toBe(
      'SIP/2.0/UDP h;rport=9;branch=b;received=192.0.2.1',
    );
    expect(stamped('SIP/2.0/UDP h', { received: '192.0.2.1' })).toBe('SIP/2.0/UDP h;received=192.0.2.1');
  });

  it('adds no rport that was not asked for, and changes nothing where there is nothing to say', () => {
    expect(stamped('SIP/2.0/UDP h;branch=b', { rport: 9 })).toBe('SIP/2.0/UDP h;branch=b');
    expect(stamped('SIP/2.0/UDP h;rport;branch=b', { received: 'x' })).toBe('SIP/2.0/UDP h;rport;branch=b;received=x');
    expect(stampRequest(message(INVITE), {})).toBe(INVITE);
  });

  it('replaces what the client itself claimed', () => {
    expect(stamped('SIP/2.0/UDP h;received=6.6.6.6;rport=6;branch=b', { received: '192.0.2.1', rport: 9 })).toBe(
      'SIP/2.0/UDP h;received=192.0.2.1;rport=9;branch=b',
    );
  });

  it('stamps IPv6 and the first value of a list only', () => {
    expect(stamped('SIP/2.0/UDP [2001:db8::1]:5060;rport , SIP/2.0/UDP b;rport', { received: '2001:db8::2', rport: 9 })).toBe(
      'SIP/2.0/UDP [2001:db8::1]:5060;rport=9;received=2001:db8::2 , SIP/2.0/UDP b;rport',
    );
  });

  it('is not misled by a quoted semicolon', () => {
    expect(stamped('SIP/2.0/UDP h;x=";rport";branch=b', { rport: 9 })).toBe('SIP/2.0/UDP h;x=";rport";branch=b');
  });
});

describe('RFC 3261 16.7 response forwarding', () => {
  const response = (...via: string[]) =>
    message(
      lines(
        'SIP/2.0 180 Ringing',
        ...via,
        'From: <sip:a@b>;tag=1',
        'To: <sip:c@d>;tag=2',
        'Call-ID: x',
        'CSeq: 7 INVITE',
        'Content-Length: 0',
      ),
    );

  it('step 3 takes the topmost Via off, on a line of its own or in a list', () => {
    const own = response('Via: SIP/2.0/UDP a;branch=1', 'Via: SIP/2.0/UDP b;branch=2');
    expect(relayResponse(own)).toBe(own.text.replace('Via: SIP/2.0/UDP a;branch=1\r\n', ''));
    const list = response('v: SIP/2.0/UDP a;branch=1 ,', '  SIP/2.0/UDP b;branch=2');
    expect(vias(message(relayResponse(list)))).toMatchObject([{ host: 'b', branch: '2' }]);
    expect(relayResponse(list)).toContain('\r\nv: SIP/2.0/UDP b;branch=2\r\n');
  });

  it('adds Content-Length where it is missing', () => {
    const without = message(response('Via: SIP/2.0/UDP a', 'Via: SIP/2.0/UDP b').text.replace('Content-Length: 0\r\n', ''));
    expect(header(message(relayResponse(without), 'stream'), 'content-length')).toBe('0');
  });

  it('undoes what relayRequest put on top, whatever the Vias below', () => {
    const via = fc.tuple(
      fc.constantFrom('Via: ', 'v:', 'VIA : '),
      fc.array(fc.constantFrom('SIP/2.0/UDP a;branch=1', 'SIP/2.0/TCP [::1]:5;x="a,b"', 'SIP / 2.0 / WS c'), {
        minLength: 1,
        maxLength: 3,
      }),
    );
    fc.assert(
      fc.property(fc.array(via, { minLength: 1, maxLength: 4 }), (all) => {
        const own = all.map(([name, values]) => name + values.join(' , '));
        const m = response(`Via: ${VIA}`, ...own);
        expect(rows(relayResponse(m)).slice(1, 1 + own.length)).toEqual(own);
      }),
    );
  });
});

describe('RFC 3261 8.2.6 responses', () => {
  const received = message(INVITE.replace('\r\nMax-Forwards', ', SIP/2.0/TCP b\r\nVia: SIP/2.0/UDP c\r\nMax-Forwards'));

  it('8.2.6.2 copies Via, From, To, Call-ID and CSeq, and tags To', () => {
    const reply = message(respond(received, 404, 'Not Found', { toTag: 'x1' }), 'stream');
    expect(headers(reply, 'via')).toEqual(headers(received, 'via'));
    expect(from(reply)).toEqual(from(received));
    expect(to(reply)).toMatchObject({ uri: 'sip:bob@biloxi.com', tag: 'x1' });
    expect([callId(reply), cseq(reply)]).toEqual([callId(received), cseq(received)]);
  });

  it('8.2.6.2 leaves a To alone that has a tag', () => {
    const inDialog = message(INVITE.replace('To: Bob <sip:bob@biloxi.com>', 'To: Bob <sip:bob@biloxi.com>;tag=old'));
    expect(to(message(respond(inDialog, 481, '', { toTag: 'new' })))?.tag).toBe('old');
  });

  it('8.2.6.1 copies Timestamp into a 100 and nowhere else', () => {
    const m = message(INVITE.replace('User-Agent', 'Timestamp: 54\r\nUser-Agent'));
    expect(header(message(respond(m, 100, '')), 'timestamp')).toBe('54');
    expect(header(message(respond(m, 200, '')), 'timestamp')).toBeUndefined();
  });

  it('carries header fields and a body, stamps the Via, and finds a reason phrase', () => {
    const reply = message(
      respond(received, 423, '', {
        headers: [
          ['Min-Expires', 60],
          ['X', 'a\r\nb: c'],
        ],
        body: { type: 'text/plain', content: 'late' },
        via: { received: '1.2.3.4', rport: 5 },
      }),
      'stream',
    );
    expect(reply.reason).toBe('Interval Too Brief');
    expect(header(reply, 'min-expires')).toBe('60');
    expect(header(reply, 'x')).toBe('a b: c');
    expect(body(reply)).toBe('late');
    expect(topVia(reply)).toMatchObject({ received: '1.2.3.4', rport: 5 });
    expect([reasonPhrase(499), reasonPhrase(299), reasonPhrase(999)]).toEqual(['Bad Request', 'OK', 'Unknown']);
  });
});

describe('RFC 3261 17.1.1.3 ACK', () => {
  it('takes To from the response and everything else from the INVITE as sent', () => {
    const sent = message(relayRequest(message(INVITE), { via: VIA }));
    const response = message(respond(sent, 486, '', { toTag: 'busy' }));
    const m = message(ack(sent, response), 'stream');
    expect([m.method, m.uri, cseq(m), callId(m)]).toEqual(['ACK', sent.uri, { number: 314159, method: 'ACK' }, callId(sent)]);
    expect(headers(m, 'via')).toEqual([VIA]);
    expect([from(m), to(m)]).toEqual([from(sent), to(response)]);
    expect(routes(m)).toEqual(routes(sent));
  });
});

describe('RFC 3261 9.1 CANCEL', () => {
  it('has Request-URI, Call-ID, To, CSeq number and From of the request, its top Via alone and its Route', () => {
    const sent = message(relayRequest(message(INVITE), { via: VIA }));
    const m = message(cancel(sent), 'stream');
    expect([m.method, m.uri, cseq(m)]).toEqual(['CANCEL', sent.uri, { number: 314159, method: 'CANCEL' }]);
    expect(headers(m, 'via')).toEqual([VIA]);
    expect([from(m), to(m), callId(m), routes(m)]).toEqual([from(sent), to(sent), callId(sent), routes(sent)]);
  });

  it('takes the first of a list of Vias, unfolded', () => {
    const folded = INVITE.replace(/Via: .*\r\n/, 'Via: SIP/2.0/UDP a\r\n ;branch=x , SIP/2.0/UDP b\r\n');
    expect(headers(message(cancel(message(folded))), 'via')).toEqual(['SIP/2.0/UDP a ;branch=x']);
  });
});

describe('RFC 3261 8.1.1 new requests', () => {
  it('carry what they are made of, and no value begins a line', () => {
    const m = message(
      request({
        method: 'OPTIONS',
        uri: 'sip:a@b',
        via: VIA,
        from: '<sip:shim@b>;tag=1',
        to: '<sip:a@b>\r\n;injected=yes',
        callId: 'c',
        cseq: 5,
        routes: ['<sip:r;lr>'],
        headers: [['Accept', 'application/sdp']],
      }),
      'stream',
    );
    expect([m.method, maxForwards(m), routes(m)?.length, header(m, 'accept')]).toEqual(['OPTIONS', 70, 1, 'application/sdp']);
    expect(to(m)?.params.get('injected')).toBe('yes');
    expect(rows(m.text)).not.toContain(';injected=yes');
  });
});
