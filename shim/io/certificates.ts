import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Certificate, TlsMaterial } from './tls.ts';

/** The settings that certificates are read by: files, and `name=certificate:key` for further names. */
export interface CertificateSettings {
  readonly tlsCertificate: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsCertificates: readonly string[] | undefined;
  readonly tlsCa: string | undefined;
  readonly tlsVerify: 'on' | 'off';
}

/** Reads the files that the settings name. Throws with every file that cannot be read or used, and why. */
export function readCertificates(settings: CertificateSettings): TlsMaterial {
  const problems: string[] = [];
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      problems.push(`${path}: ${(error as Error).message}`);
      return '';
    }
  };
  const certificates: Certificate[] = [];
  const add = (name: string | undefined, certificate: string, key: string): void => {
    const before = problems.length;
    const pair = { cert: read(certificate), key: read(key) };
    if (problems.length > before) return;
    try {
      createSecureContext(pair);
      certificates.push(name === undefined ? pair : { name, ...pair });
    } catch (error) {
      problems.push(`${certificate} with ${key}: ${(error as Error).message}`);
    }
  };
  const { tlsCertificate, tlsKey, tlsCertificates, tlsCa, tlsVerify } = settings;
  if (tlsCertificate !== undefined && tlsKey !== undefined) add(undefined, tlsCertificate, tlsKey);
  for (const each of tlsCertificates ?? []) {
    const [, name = '', certificate = '', key = ''] = /^([^=]+)=([^:]+):(.+)$/.exec(each) ?? [];
    add(name, certificate, key);
  }
  const ca = tlsCa === undefined ? undefined : read(tlsCa);
  if (ca !== undefined && ca !== '' && !holdsCertificate(ca)) problems.push(`${tlsCa}: no certificate in it`);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return { certificates, verify: tlsVerify === 'on', ...(ca === undefined ? {} : { ca }) };
}

function holdsCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).ca !== undefined;
  } catch {
    return false;
  }
}
