import { describe, expect, it } from 'vitest';
import { type CertificateSettings, readCertificates } from '../../shim/io/certificates.ts';
import { AUTHORITY, certificate, pathOf } from '../support/certificates.ts';

const NONE: CertificateSettings = {
  tlsCertificate: undefined,
  tlsKey: undefined,
  tlsCertificates: undefined,
  tlsCa: undefined,
  tlsVerify: 'on',
};

describe('Offhook certificates', () => {
  it('are none where none are set', () => {
    expect(readCertificates(NONE)).toEqual({ certificates: [], verify: true });
  });

  it('are read from their files: the default, those for further names, and the authorities', () => {
    const read = readCertificates({
      ...NONE,
      tlsCertificate: pathOf('local.pem'),
      tlsKey: pathOf('local.key.pem'),
      tlsCertificates: [`example.com=${pathOf('example.pem')}:${pathOf('example.key.pem')}`],
      tlsCa: pathOf('authority.pem'),
      tlsVerify: 'off',
    });
    const certificates = [certificate('local'), { name: 'example.com', ...certificate('example') }];
    expect(read).toEqual({ certificates, ca: AUTHORITY, verify: false });
  });

  it('tell all that is wrong with the files at once', () => {
    const settings = {
      ...NONE,
      tlsCertificate: pathOf('local.pem'),
      tlsKey: pathOf('example.key.pem'),
      tlsCertificates: ['a.example=/nowhere/a.pem:/nowhere/a.key'],
      tlsCa: pathOf('make.sh'),
    };
    expect(() => readCertificates(settings)).toThrow(
      /local\.pem with .*; \/nowhere\/a\.pem: .*; \/nowhere\/a\.key: .*; .*make\.sh: no certificate in it/s,
    );
  });
});
