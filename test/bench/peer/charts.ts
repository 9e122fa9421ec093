import { median, quantile } from '../figure.ts';
import type { Line } from './chart.ts';
import { svgOf } from './chart.ts';
import type { LoadStep } from './load-step.ts';
import type { Series } from './series.ts';

const LOOKS: Readonly<Record<string, string>> = { Offhook: '#1f5fbf', Kamailio: '#c4501b' };

/** Processor time and lag against the rate, as far as each was tried. */
export function chartsOf(all: readonly Series[]): string {
  const lines = (
    value: (step: LoadStep) => number,
    wanted: (one: Series) => string | undefined,
    dashed: (one: Series) => boolean,
  ): Line[] =>
    all.flatMap((one) => {
      const name = wanted(one);
      if (name === undefined) return [];
      const steps = one.climb?.steps ?? one.compared;
      const rates = [...new Set(steps.map(({ rate }) => rate))].toSorted((a, b) => a - b);
      const points = rates.map((rate) => [rate, median(steps.filter((step) => step.rate === rate).map(value))] as const);
      return [{ name: `${one.side}, ${name}`, colour: LOOKS[one.side] ?? 'black', dashed: dashed(one), points }];
    });
  const presence = (name: string) => (one: Series) => (one.mode === 'presence' ? name : undefined);
  const lag = (part: number) =>
    lines(
      (step) => quantile(step.lags?.lags ?? [], part),
      presence(`p${part * 100}`),
      () => part !== 0.5,
    );
  return svgOf([
    {
      title: 'Processor time of a call against the rate',
      x: 'calls/s',
      y: 's/1,000 calls',
      lines: [
        ...lines(
          ({ cpu }) => cpu.sip,
          presence('SIP with presence'),
          () => false,
        ),
        ...lines(
          ({ cpu }) => cpu.sip + cpu.presence,
          (one) => (one.mode === 'presence' && one.side === 'Offhook' ? 'shim and Worker' : undefined),
          () => true,
        ),
        ...lines(
          ({ cpu }) => cpu.sip,
          (one) => (one.mode === 'alone' ? 'proxy alone' : undefined),
          () => true,
        ).map((line) => ({
          ...line,
          colour: line.name.startsWith('Offhook') ? '#7fa6dd' : '#e3a285',
        })),
      ],
    },
    {
      title: "From the 200 to the watcher's frame or NOTIFY, against the rate",
      x: 'calls/s',
      y: 'ms',
      logarithmic: true,
      lines: [...lag(0.5), ...lag(0.99)],
    },
  ]);
}
