import type { ShimSettings } from './config.ts';
import { AddressSet } from './core/address-set.ts';
import type { Outside } from './core/proxy/self.ts';
import type { Address, ListenPoint } from './core/transport.ts';

/** The setting's values: `listening=public[:port]`, or `public[:port]` for every listening address of its family. */
export const ADVERTISED =
  /^(?:(?:\[[0-9a-f:.]+\]|[0-9.]+)=)?(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[1-9]\d{0,4})?$/i;

interface Public {
  readonly listening: string | undefined;
  readonly address: string;
  readonly port: number | undefined;
}

/** How others reach the shim behind NAT; undefined where nothing is set. */
export function outsideOf({
  advertised,
  localNetworks,
}: Pick<ShimSettings, 'advertised' | 'localNetworks'>): Outside | undefined {
  if (advertised === undefined) return undefined;
  const all = advertised.map(parse);
  const local = AddressSet.of(localNetworks ?? []);
  return {
    advertised: (point) => standsFor(all, point),
    isLocal: (address) => local.has(address),
  };
}

function standsFor(all: readonly Public[], point: ListenPoint): Address | undefined {
  const found = all.find(({ listening }) => listening === point.address) ?? all.find((one) => isGeneral(one, point));
  if (found === undefined) return undefined;
  // The port is that of UDP and TCP; the other listeners have ports of their own, and keep them.
  const own = point.transport === 'udp' || point.transport === 'tcp' ? found.port : undefined;
  return { address: found.address, port: own ?? point.port };
}

function isGeneral({ listening, address }: Public, point: ListenPoint): boolean {
  return listening === undefined && address.includes(':') === point.address.includes(':');
}

function parse(text: string): Public {
  const [, listening, address = '', port] = /^(?:(.+)=)?(\[.+\]|[^:]+)(?::(\d+))?$/.exec(text) ?? [];
  return {
    listening: listening && bare(listening),
    address: bare(address),
    port: port === undefined ? undefined : Number(port),
  };
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '').toLowerCase();
