import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Certificate } from '../../shim/io/tls.ts';

const folder = new URL('./certificates/', import.meta.url);

/** Certificates of the tests, by the file's name; see certificates/make.sh for what each is for. */
export type CertificateName = 'local' | 'example' | 'domain' | 'wildcard';

export const pathOf = (file: string): string => fileURLToPath(new URL(file, folder));

const text = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

export const AUTHORITY: string = text('authority.pem');

export function certificate(name: CertificateName): Certificate {
  return { cert: text(`${name}.pem`), key: text(`${name}.key.pem`) };
}
