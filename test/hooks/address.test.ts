import { describe, expect, it } from 'vitest';
import { isPrivateHost } from '../../worker/hooks/index.ts';

const host = (url: string) => new URL(url).hostname;

describe('Offhook webhooks: addresses that nothing is delivered to', () => {
  it.each([
    ['loopback', '127.0.0.1', '127.1', '0177.0.0.1', '0x7f.0.0.1', '2130706433', '0x7f000001', '017700000001', '127.255.255.254'],
    ['this network', '0.0.0.0', '0', '0.1.2.3'],
    ['private', '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '0xc0a80001', '3232235521'],
    ['link-local, where clouds keep their metadata', '169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376'],
    ['carrier-grade NAT', '100.64.0.1', '100.127.255.255'],
    [
      'benchmarks, documentation, protocols',
      '198.18.0.1',
      '192.0.2.1',
      '198.51.100.7',
      '203.0.113.9',
      '192.0.0.8',
      '192.88.99.1',
    ],
    ['multicast and reserved', '224.0.0.1', '239.1.2.3', '240.0.0.1', '255.255.255.255'],
    ['IPv6 loopback and unspecified', '[::1]', '[::]', '[0:0:0:0:0:0:0:1]'],
    [
      'IPv6 link-local, site-local, unique local, multicast',
      '[fe80::1]',
      '[fec0::1]',
      '[fc00::1]',
      '[fd12:3456::1]',
      '[ff02::1]',
    ],
    ['IPv4-mapped and -compatible', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[::ffff:a9fe:a9fe]'],
    ['NAT64, 6to4, Teredo', '[64:ff9b::127.0.0.1]', '[64:ff9b::a00:1]', '[2002:7f00:1::1]', '[2002:a00:1::]', '[2001::1]'],
    ['IPv6 documentation and discard', '[2001:db8::1]', '[3fff::1]', '[100::1]'],
    ['names of the own machine', 'localhost', 'localhost.', 'localhost..', 'LOCALHOST', 'foo.localhost', 'localhost.localdomain'],
    [
      'names of the own network',
      'router',
      'printer.local',
      'metadata.google.internal',
      'nas.home.arpa',
      'box.lan',
      'x.internal.',
    ],
    ['look-alikes that the URL standard maps to digits', '①②⑦.0.0.1', '127。0。0。1', '１２７.0.0.1'],
  ])('%s', (_, ...hosts) => {
    expect(hosts.filter((one) => !isPrivateHost(host(`https://${one}/`)))).toEqual([]);
  });

  it('public ones are delivered to', () => {
    const hosts = [
      'example.com',
      'hooks.example.com.',
      'local.example.com',
      'internal.example.com',
      '8.8.8.8',
      '172.15.0.1',
      '172.32.0.1',
      '100.63.255.255',
      '100.128.0.1',
      '169.253.1.1',
      '198.17.0.1',
      '198.20.0.1',
      '223.255.255.255',
      '[2606:4700::1111]',
      '[2a00:1450:4001::1]',
      '[::ffff:8.8.8.8]',
      '[64:ff9b::8.8.8.8]',
      '[2002:808:808::1]',
    ];
    expect(hosts.filter((one) => isPrivateHost(host(`https://${one}/`)))).toEqual([]);
  });
});
