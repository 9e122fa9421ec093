import type { ElementSettings } from '../../shim/core/element/element.ts';
import { VirtualNetwork } from '../support/virtual-network.ts';
import { type PhoneSettings, VirtualPhone } from '../support/virtual-phone.ts';
import { VirtualDisk, VirtualShim, type VirtualShimSettings } from '../support/virtual-shim.ts';
import { type Fate, VirtualWorker } from '../support/virtual-worker.ts';

const START = Date.UTC(2026, 10, 22, 10);
const SHIM = { address: '10.0.0.1', port: 5060 };

export interface OfficeSettings {
  readonly seed?: number;
  readonly loss?: number;
  readonly doubling?: number;
  /** Probability that a request to the Worker, or its answer, is lost. */
  readonly workerLoss?: number;
  readonly phones: readonly (Partial<PhoneSettings> & { readonly user: string })[];
  readonly element?: (settings: ElementSettings) => ElementSettings;
}

/** One shim with its phones and the Worker, all of it virtual. */
export function office(settings: OfficeSettings) {
  const { seed = 1, loss = 0, doubling = 0, workerLoss = 0 } = settings;
  const delay = loss + doubling > 0 ? ([1, 120] as const) : ([1, 5] as const);
  const network = new VirtualNetwork({ seed, start: START, conditions: { loss, doubling, delay } });
  const worker = new VirtualWorker();
  const way = { workerLoss };
  const fate = (): Fate => {
    const chance = network.random();
    if (chance >= way.workerLoss) return 'well';
    return chance < way.workerLoss / 2 ? 'lost' : 'answer-lost';
  };
  const shimSettings: VirtualShimSettings = {
    ...{ site: 'site', address: SHIM, domains: ['example.com'], worker, fate, chance: () => network.random() },
    ...(settings.element ? { element: settings.element } : {}),
  };
  const disk = new VirtualDisk();
  let shim = new VirtualShim(shimSettings, disk, network.now);
  let endpoint = network.attach(shim, SHIM);
  const phones = settings.phones.map((own, i) => {
    const phone = new VirtualPhone({
      ...{
        domain: 'example.com',
        address: { address: `10.0.0.${i + 2}`, port: 5060 },
        shim: SHIM,
        expires: 3600,
        answers: 200,
        delayedOffer: false,
      },
      ...own,
    });
    const at = network.attach(phone, phone.settings.address);
    return { phone, at };
  });
  return {
    network,
    worker,
    way,
    phones: phones.map(({ phone }) => phone),
    get shim() {
      return shim;
    },
    registerAll() {
      for (const { phone, at } of phones) at.perform(phone.register(network.now));
    },
    /** The n-th phone does something now. */
    act(n: number, what: (phone: VirtualPhone, now: number) => ReturnType<VirtualPhone['call']>) {
      const one = phones[n];
      if (one) one.at.perform(what(one.phone, network.now));
    },
    /** Takes the n-th phone off the network. */
    vanish(n: number) {
      phones[n]?.phone.forgetRegistration();
      phones[n]?.at.detach();
    },
    /** `kill -9`, and a new process `down` ms later with what was on disk. */
    restart(down: number) {
      endpoint.detach();
      network.advance(down);
      shim = new VirtualShim(shimSettings, disk, network.now);
      endpoint = network.attach(shim, SHIM);
    },
    /** `available idle` */
    seen(user: string) {
      const document = worker.document(`sip:${user}@example.com`, network.now);
      return document ? `${document.status} ${document.callStatus}` : 'never seen';
    },
    /** The states that a user's history shows: `ringing`. */
    story(user: string) {
      return worker.history.filter((h) => h.user === `sip:${user}@example.com`).map((h) => `${h.terminalStatus} ${h.callStatus}`);
    },
  };
}
