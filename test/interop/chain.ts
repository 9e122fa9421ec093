import { join } from 'node:path';
import { type RunningShim, startShim } from '../../shim/shim.ts';
import { type Address, SILENT, shimSettings, startWorker } from '../support/product.ts';
import { DOMAIN, type Scene, sceneOf } from './scene.ts';

/** FIG. 1, 3 to 6: A - S1 - S2 - S3 - B, three session control servers before one presence server. */
export interface Chain extends Scene {
  /** Where A's telephones register and call: S1. */
  readonly near: Address;
  /** Where B's telephones register: S3. */
  readonly far: Address;
}

/** Starts the three, each the next one's upstream. S2 serves a domain of its own and has no users. */
export async function openChain(...flags: string[]): Promise<Chain> {
  const worker = await startWorker();
  const shims: RunningShim[] = [];
  const close = async () => {
    for (const shim of shims) await shim.close();
    await worker.close();
  };
  const start = async (site: string, domain: string, next: Address | undefined): Promise<Address> => {
    const upstream = next ? [`--upstream=sip:${next.address}:${next.port}`] : [];
    const own = [`--site=${site}`, `--domains=${domain}`, `--state-dir=${join(worker.folder, site)}`, ...upstream, ...flags];
    const shim = await startShim(await shimSettings(worker, own), SILENT);
    shims.push(shim);
    const sip = shim.addresses.find(({ transport }) => transport === 'udp');
    if (!sip) throw new Error(`${site} listens at no UDP address`);
    return sip;
  };
  try {
    const far = await start('s3', DOMAIN, undefined);
    const middle = await start('s2', 'middle.example.net', far);
    const near = await start('s1', DOMAIN, middle);
    return { ...(await sceneOf({ ...worker, sip: near, close })), near, far };
  } catch (error) {
    await close();
    throw error;
  }
}
