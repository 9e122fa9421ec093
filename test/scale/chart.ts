/** A line over a day, or bars, drawn by hand: an SVG without anything that loads or runs. */
export interface LinePanel {
  readonly title: string;
  /** Values at equal steps from midnight to midnight. */
  readonly values: readonly number[];
  /** A line across, with what it says. */
  readonly limit?: { readonly at: number; readonly text: string };
}

export interface BarPanel {
  readonly title: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

const WIDTH = 860;
const HEIGHT = 200;
const LEFT = 60;
const RIGHT = 20;
const TOP = 34;
const BOTTOM = 26;
const PLOT = { width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };
const HOURS = 24;

export function chart(panels: readonly (LinePanel | BarPanel)[]): string {
  const drawn = panels.map(
    (panel, n) => `<g transform="translate(0 ${n * HEIGHT})">\n${'bars' in panel ? bars(panel) : line(panel)}\n</g>`,
  );
  const size = `width="${WIDTH}" height="${panels.length * HEIGHT}" viewBox="0 0 ${WIDTH} ${panels.length * HEIGHT}"`;
  const style =
    'text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.axis{stroke:#bbb}.line{fill:none;stroke:#1f6fb2;stroke-width:1.5}.limit{stroke:#b3261e;stroke-dasharray:5 4}.bar{fill:#1f6fb2}';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size}>`,
    `<title>${escaped(panels.map(({ title }) => title).join('; '))}</title>`,
    `<style>${style}</style>`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function line({ title, values, limit }: LinePanel): string {
  const top = niceAbove(Math.max(limit?.at ?? 0, ...values));
  const x = (n: number) => LEFT + (n / Math.max(1, values.length - 1)) * PLOT.width;
  const points = values.map((value, n) => `${x(n).toFixed(1)},${y(value, top).toFixed(1)}`).join(' ');
  const hours = Array.from({ length: HOURS / 2 + 1 }, (_, n) => {
    const at = LEFT + ((2 * n) / HOURS) * PLOT.width;
    return `<text x="${at.toFixed(1)}" y="${HEIGHT - 8}" text-anchor="middle">${2 * n}</text>`;
  });
  const across = limit && [
    `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(limit.at, top).toFixed(1)}" y2="${y(limit.at, top).toFixed(1)}"/>`,
    `<text x="${WIDTH - RIGHT}" y="${(y(limit.at, top) + 14).toFixed(1)}" text-anchor="end">${escaped(limit.text)}</text>`,
  ];
  return [...frame(title, top), ...hours, `<polyline class="line" points="${points}"/>`, ...(across ?? [])].join('\n');
}

function bars({ title, bars: all }: BarPanel): string {
  const top = niceAbove(Math.max(...all.map(({ value }) => value)));
  const step = PLOT.width / all.length;
  const drawn = all.flatMap(({ name, value }, n) => {
    const middle = LEFT + (n + 0.5) * step;
    const at = y(value, top);
    return [
      `<rect class="bar" x="${(middle - step / 6).toFixed(1)}" y="${at.toFixed(1)}" width="${(step / 3).toFixed(1)}" height="${(TOP + PLOT.height - at).toFixed(1)}"/>`,
      `<text x="${middle.toFixed(1)}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(name)}</text>`,
      `<text x="${(middle + step / 6 + 6).toFixed(1)}" y="${(at + 12).toFixed(1)}">${value}</text>`,
    ];
  });
  return [...frame(title, top), ...drawn].join('\n');
}

function frame(title: string, top: number): string[] {
  const marks = [0, 0.5, 1].flatMap((part) => {
    const at = y(part * top, top).toFixed(1);
    return [
      `<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>`,
      `<text x="${LEFT - 6}" y="${Number(at) + 4}" text-anchor="end">${part * top}</text>`,
    ];
  });
  return [`<text class="title" x="${LEFT}" y="20">${escaped(title)}</text>`, ...marks];
}

const y = (value: number, top: number): number => TOP + PLOT.height * (1 - value / top);

/** 1, 2, 4 or 5 times a power of ten, not below the value. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return (([1, 2, 4, 5, 10].find((times) => times * power >= value) ?? 10) * power) as number;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
