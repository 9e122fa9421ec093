/** The part of Node's module that is used here: workerd has it with the flag `nodejs_compat`. */
declare module 'node:crypto' {
  interface Hmac {
    update(text: string): Hmac;
    digest(encoding: 'base64url'): string;
  }
  export function createHmac(algorithm: 'sha256', key: string): Hmac;
}
