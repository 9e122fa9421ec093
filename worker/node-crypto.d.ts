/** The part of Node's module that is used here: workerd has it by default since the compatibility date 2026-08-04. */
declare module 'node:crypto' {
  interface Hmac {
    update(text: string): Hmac;
    digest(encoding: 'base64url'): string;
  }
  export function createHmac(algorithm: 'sha256', key: string): Hmac;
}
