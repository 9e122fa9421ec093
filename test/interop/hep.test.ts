import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningShim, startShim } from '../../shim/shim.ts';
import { quietPort } from '../support/port.ts';
import { SILENT, shimSettings, startWorker } from '../support/product.ts';
import { type Kamailio, startKamailio } from './kamailio.ts';
import { aorOf, DOMAIN, type Scene, sceneOf } from './scene.ts';

const KEY = 'a-shared-secret';

let scene: Scene;
let shim: RunningShim;
let kamailio: Kamailio;
let port: number;

/** Kamailio is registrar and proxy, and mirrors to a shim that takes no SIP. */
beforeAll(async () => {
  const worker = await startWorker();
  const flags = [`--domains=${DOMAIN}`, '--site=interop', '--mode=passive', '--hep-listen=127.0.0.1:0', '--hep-allow=127.0.0.1'];
  shim = await startShim({ ...(await shimSettings(worker, flags)), hepKey: KEY }, SILENT);
  const uri = `"sip:127.0.0.1:${shim.hep?.port}"`;
  kamailio = await startKamailio({ cfg: 'hep', defines: { HEP_URI: uri, HEP_KEY: `"${KEY}"` } });
  const close = async () => {
    await kamailio.close();
    await shim.close();
    await worker.close();
  };
  scene = await sceneOf({ ...worker, sip: kamailio.sip, close });
  port = await quietPort();
  await scene.register(['alice', 'bob'], port);
});
beforeEach(() => scene.mark());
afterAll(() => scene?.close());

const counters = () => shim.status().counters as Record<'hep' | 'mirror', Record<string, unknown>>;

describe('Offhook presence beside a Kamailio that mirrors its traffic by HEP', () => {
  const fields = [['alice', 'bob']];

  it('takes no SIP itself, and every packet of Kamailio', () => {
    expect(shim.addresses).toEqual([]);
    expect(counters().hep.taken).toBe(counters().hep.packets);
    expect(counters().hep.taken).toBeGreaterThan(3);
  });

  it('shows who is registered at Kamailio, for as long as Kamailio granted', async () => {
    const presence = await scene.reader.presence(aorOf('alice'));
    expect(presence).toMatchObject({
      status: 'available',
      terminals: [{ contact: `sip:alice@127.0.0.1:${port};transport=UDP` }],
    });
  });

  it('shows a call from ringing to its end, each transition once', async () => {
    await scene.call('uac', 'uas', port, { fields });
    await scene.settled(['alice', 'bob']);
    expect(scene.callStatuses('alice')).toEqual(['calling', 'talking', 'terminating', 'idle']);
    expect(scene.callStatuses('bob')).toEqual(['ringing', 'talking', 'terminating', 'idle']);
    expect(await scene.reader.presence(aorOf('bob'))).toMatchObject({ status: 'available', callStatus: 'idle', calls: [] });
  });

  it('shows a call that is cancelled, and one that is refused', async () => {
    await scene.call('uac-cancel', 'uas-cancel', port, { fields });
    await scene.settled(['alice', 'bob']);
    expect(scene.callStatuses('bob')).toEqual(['ringing', 'idle']);
    scene.mark();
    await scene.call('uac-noanswer', 'uas-noanswer', port, { fields });
    await scene.settled(['alice', 'bob']);
    expect(scene.callStatuses('alice')).toEqual(['calling', 'idle']);
  });

  it('shows 50 calls at 25 a second, every user in each state once', async () => {
    const pairs = Array.from({ length: 50 }, (_, n) => [`caller${n}`, `callee${n}`] as const);
    await scene.register(pairs.flat(), port);
    scene.mark();
    await scene.call('uac', 'uas', port, { fields: pairs, rate: 25 });
    await scene.settled(pairs.flat());
    for (const [caller, callee] of pairs) {
      expect(scene.callStatuses(caller), caller).toEqual(['calling', 'talking', 'terminating', 'idle']);
      expect(scene.callStatuses(callee), callee).toEqual(['ringing', 'talking', 'terminating', 'idle']);
    }
    expect(shim.status().calls).toBe(0);
  });

  it('shows who has de-registered', async () => {
    await scene.register(['carol'], port, { callId: 'carol-', cseq: 1 });
    await scene.sipp('deregister', { fields: [['carol', port, 3600]], callId: 'carol-', cseq: 2 });
    await scene.watcher.next(aorOf('carol'), 'offline', (p) => p.terminalStatus === 'offline');
  });
});
