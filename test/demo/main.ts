/**
 * `npm run demo`: the whole product on free ports with fresh state, telephones, and a watcher that tells what it sees.
 * `-- --once` plays one call, prints one JSON object a line on stdout, and ends with 0 only if everything was seen in order.
 */
import { parseArgs } from 'node:util';
import { createLog } from '../../shim/log.ts';
import { type Product, startProduct } from '../support/product.ts';
import { type Sighting, Watcher } from '../support/watcher.ts';
import { evening } from './evening.ts';
import { once } from './once.ts';
import { DOMAIN, Stage } from './stage.ts';

/** After a signal everything is over within 2 s; what has not ended by itself by then is left, ms. */
const CLOSE_WITHIN = 1500;

const { values } = parseArgs({
  options: { once: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  process.stdout.write(
    'npm run demo             plays on until ctrl-C\nnpm run demo -- --once   plays one call, JSON lines on stdout\n',
  );
  process.exit(0);
}

const interrupted = Promise.withResolvers<'interrupted'>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.resolve('interrupted'));

const note = (text: string) => process.stderr.write(`${text}\n`);
const say = (text: string) => (values.once ? note(`-- ${text}`) : process.stdout.write(`\n${text}\n`));

let product: Product | undefined;
let stage: Stage | undefined;
let watcher: Watcher | undefined;
const end = await Promise.race([play().then(() => 'played' as const), interrupted.promise]).catch((error: Error) => error);
if (end instanceof Error) note(`failed: ${end.message}`);
if (end === 'interrupted') note('ending');
stage?.close();
watcher?.close();
await Promise.race([product?.close(), new Promise((resolve) => setTimeout(resolve, CLOSE_WITHIN))]);
process.exit(end === 'played' || (end === 'interrupted' && !values.once) ? 0 : 1);

async function play(): Promise<void> {
  note('starting shim and Worker');
  const log = createLog('warn', (line) => process.stderr.write(line), Date.now);
  // Registrations of a second or two are allowed here so that one runs out before the eyes of who looks.
  product = await startProduct([`--domains=${DOMAIN}`, '--min-expires=1s', '--site=demo'], log);
  const token = await product.token('read');
  watcher = await Watcher.connect(product.url, token, `domain=${DOMAIN}`);
  watcher.onChange = values.once ? printJson : printLine;
  stage = new Stage(product, watcher, say, values.once ? 300 : 2500);
  if (values.once) return once(stage);
  process.stdout.write(`shim       sip:${product.sip.address}:${product.sip.port}\n`);
  process.stdout.write(`wallboard  ${product.url}/#token=${token}&domain=${DOMAIN}\n\n`);
  process.stdout.write(`${row('time', 'user', 'status', 'terminal', 'call')}\n`);
  return evening(stage);
}

function printJson({ at, presence }: Sighting): void {
  const { user, status, terminalStatus, callStatus } = presence;
  process.stdout.write(`${JSON.stringify({ at: new Date(at).toISOString(), user, status, terminalStatus, callStatus })}\n`);
}

function printLine({ at, presence }: Sighting): void {
  const time = new Date(at).toISOString().slice(11, 23);
  process.stdout.write(`${row(time, presence.user, presence.status, presence.terminalStatus, presence.callStatus)}\n`);
}

function row(time: string, user: string, status: string, terminal: string, call: string): string {
  return `${time.padEnd(14)}${user.padEnd(24)}${status.padEnd(17)}${terminal.padEnd(17)}${call}`;
}
