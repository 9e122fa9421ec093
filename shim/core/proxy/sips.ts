import { parseUri } from '../sip/index.ts';
import { isSecure } from '../transport.ts';
import { REFUSALS } from './refusal.ts';
import type { Forward, Route, RouteTarget, TargetGroup } from './route.ts';

export const isSips = (uri: string): boolean => uri.slice(0, 5).toLowerCase() === 'sips:';

/**
 * What `sips:` asks of the way that a request takes (RFC 3261 26.2.2, RFC 5630 5.3). A request to a SIPS URI goes to SIPS URIs over TLS and
 * never in clear; where there is no such target it is refused. One to a SIP URI is called by SIP, also where the telephone registered a
 * SIPS contact: the schemes of a dialog are the caller's to choose.
 */
export function keepSecure(requestUri: string, way: Forward): Route {
  const secure = isSips(requestUri);
  if (!secure && !way.targets.some((group) => group.some(({ uri }) => isSips(uri)))) return way;
  const [first, ...others] = way.targets.map((group) => (secure ? onlySecure(group) : group.map(calledBySip))).filter(isNotEmpty);
  if (first === undefined) return { kind: 'refuse', refusal: REFUSALS.insecure };
  return { ...way, targets: [first, ...others] };
}

const onlySecure = (group: TargetGroup): TargetGroup =>
  group.flatMap(({ flows = [], ...one }) => {
    const [first, ...others] = [one, ...flows].filter(({ uri, target }) => isSips(uri) && isSecure(target.transport));
    return first === undefined ? [] : [{ ...first, flows: others }];
  });

const calledBySip = (one: RouteTarget): RouteTarget => ({
  ...one,
  ...(isSips(one.uri) ? { uri: sipUriOf(one.uri) } : {}),
  ...(one.flows ? { flows: one.flows.map(calledBySip) } : {}),
});

const isNotEmpty = (group: TargetGroup): boolean => group.length > 0;

/** The SIP URI for the same place as that SIPS URI, which says TLS by its transport parameter now. */
export function sipUriOf(sips: string): string {
  const uri = parseUri(sips);
  const rest = sips.slice('sips:'.length);
  if (uri === undefined || uri.params.has('transport')) return `sip:${rest}`;
  const question = rest.indexOf('?');
  return question === -1 ? `sip:${rest};transport=tls` : `sip:${rest.slice(0, question)};transport=tls${rest.slice(question)}`;
}
