import type { RunningWorker } from './product.ts';
import { until } from './until.ts';

/** SIGKILL to workerd. Resolves when the one started in its place answers. */
export async function killWorker({ embedded, url }: RunningWorker): Promise<void> {
  const pid = embedded.pid();
  if (pid === undefined) throw new Error('no workerd runs');
  process.kill(pid, 'SIGKILL');
  const answers = () =>
    fetch(`${url}/healthz`)
      .then(({ ok }) => ok)
      .catch(() => false);
  await until(
    'another workerd answers',
    async () => embedded.pid() !== pid && embedded.pid() !== undefined && (await answers()),
    20_000,
  );
}
