/** The part of the npm package `sip` 0.0.6 that the phones use; the package brings no types. */
declare module 'sip' {
  /** A URI as the package parses it. Absent parts are undefined; a parameter without a value is null. */
  export interface ParsedUri {
    schema: string;
    user?: string;
    host: string;
    port?: number;
    params: Record<string, string | null>;
  }
  export interface Address {
    name?: string;
    uri: string | ParsedUri;
    params?: Record<string, string | null | undefined>;
  }
  export interface Via {
    host: string;
    port?: number;
    protocol: string;
    params: Record<string, string | number | null>;
  }
  export interface Headers {
    to: Address;
    from: Address;
    'call-id': string;
    cseq: { seq: number; method: string };
    via?: Via[];
    contact?: Address[] | '*';
    route?: Address[];
    'record-route'?: Address[];
    expires?: string | number;
    'content-type'?: string;
    'user-agent'?: string;
    [name: string]: unknown;
  }
  export interface SipRequest {
    method: string;
    uri: string;
    headers: Headers;
    content?: string;
  }
  export interface SipResponse {
    status: number;
    reason: string;
    headers: Headers;
    content?: string;
  }
  export interface Stack {
    send(message: SipRequest | SipResponse, onResponse?: (response: SipResponse) => void): void;
    destroy(): void;
  }
  export interface StackOptions {
    address: string;
    port: number;
    udp: boolean;
    tcp: boolean;
    logger?: { error?(error: unknown): void; send?(message: unknown): void; recv?(message: unknown): void };
  }
  export function create(options: StackOptions, onRequest: (request: SipRequest) => void): Stack;
  export function makeResponse(
    request: SipRequest,
    status: number,
    reason: string,
    extension?: { headers?: Record<string, unknown>; content?: string },
  ): SipResponse;
}
