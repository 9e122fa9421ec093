/** The SIP message layer: byte strings in, messages and byte strings out. Knows no transport, time or chance. */
export * from './contact.ts';
export * from './credentials.ts';
export * from './fields.ts';
export * from './frame.ts';
export { canonicalHost, parseIpv4, parseIpv6 } from './ip.ts';
export { body, header, headers, isRequest, type Message } from './message.ts';
export { formatNameAddr, from, type NameAddr, parseNameAddr, paths, recordRoutes, routes, to } from './name-addr.ts';
export type { HeaderName, KnownHeader } from './names.ts';
export * from './own.ts';
export { type Params, quote } from './params.ts';
export { reasonPhrase } from './reason.ts';
export * from './request.ts';
export { type Content, type HeaderField, type ResponseOptions, respond } from './respond.ts';
export * from './scan.ts';
export * from './splice.ts';
export * from './uri.ts';
export * from './utf8.ts';
export { formatVia, parseVia, topVia, type Via, type ViaStamp, vias } from './via.ts';
