/** One line of a chart. */
export interface Line {
  readonly name: string;
  /** Any CSS colour. */
  readonly colour: string;
  readonly dashed?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** The y axis in powers of ten. */
  readonly logarithmic?: boolean;
  readonly lines: readonly Line[];
}

/** Size of one chart and of what is around its plot, px. */
const SIZE = { width: 620, height: 400, left: 64, right: 20, top: 40, bottom: 52 };
/** Height of a line of the legend, px. */
const LEGEND = 18;
const TICKS = 6;

/** Charts one below the other, as one SVG document. */
export function svgOf(charts: readonly Chart[]): string {
  const heights = charts.map(heightOf);
  const height = heights.reduce((sum, one) => sum + one, 0);
  const parts = charts.map((chart, n) => {
    const y = heights.slice(0, n).reduce((sum, one) => sum + one, 0);
    return `<g transform="translate(0 ${y})">\n${drawn(chart)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${height}" width="${SIZE.width}" height="${height}" font-family="sans-serif" font-size="12">`,
    // Told by those who read it aloud.
    `<title>${escaped(charts.map(({ title }) => title).join('; '))}</title>`,
    '<rect width="100%" height="100%" fill="white"/>',
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

const heightOf = ({ lines }: Chart): number => SIZE.height + lines.length * LEGEND;

function drawn({ title, x, y, logarithmic = false, lines }: Chart): string {
  const points = lines.flatMap((line) => usable(line, logarithmic));
  const right = Math.max(1, ...points.map(([at]) => at));
  const values = points.map(([, value]) => value);
  const [low, high] = logarithmic ? decades(values) : [0, roundUp(Math.max(0, ...values))];
  const inner = { width: SIZE.width - SIZE.left - SIZE.right, height: SIZE.height - SIZE.top - SIZE.bottom };
  const scale = logarithmic ? Math.log10 : (value: number) => value;
  const atX = (value: number) => round1(SIZE.left + (value / right) * inner.width);
  const atY = (value: number) =>
    round1(SIZE.top + inner.height * (1 - (scale(value) - scale(low)) / (scale(high) - scale(low) || 1)));
  const steps = Array.from({ length: TICKS }, (_, n) => n / (TICKS - 1));
  const ticksX = steps.map((part) => part * right);
  const ticksY = logarithmic
    ? Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, n) => low * 10 ** n)
    : steps.map((part) => part * high);
  const bottom = SIZE.height - SIZE.bottom;
  return [
    `<text x="${SIZE.left}" y="24" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    ...ticksY.flatMap((value) => [
      `<line x1="${SIZE.left}" y1="${atY(value)}" x2="${SIZE.width - SIZE.right}" y2="${atY(value)}" stroke="#ddd"/>`,
      `<text x="${SIZE.left - 6}" y="${atY(value) + 4}" text-anchor="end">${tick(value)}</text>`,
    ]),
    ...ticksX.map((value) => `<text x="${atX(value)}" y="${bottom + 18}" text-anchor="middle">${Math.round(value)}</text>`),
    `<line x1="${SIZE.left}" y1="${bottom}" x2="${SIZE.width - SIZE.right}" y2="${bottom}" stroke="black"/>`,
    `<text x="${SIZE.left + inner.width / 2}" y="${bottom + 40}" text-anchor="middle">${escaped(x)}</text>`,
    `<text transform="translate(16 ${SIZE.top + inner.height / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    ...lines.flatMap((line, n) => {
      const own = usable(line, logarithmic).map(([at, value]) => [atX(at), atY(value)] as const);
      const stroke = `stroke="${escaped(line.colour)}" stroke-width="2"${line.dashed ? ' stroke-dasharray="6 4"' : ''}`;
      const legend = SIZE.height + n * LEGEND;
      return [
        `<polyline fill="none" ${stroke} points="${own.map((point) => point.join(',')).join(' ')}"/>`,
        ...own.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${escaped(line.colour)}"/>`),
        `<line x1="${SIZE.left}" y1="${legend}" x2="${SIZE.left + 30}" y2="${legend}" ${stroke}/>`,
        `<text x="${SIZE.left + 38}" y="${legend + 4}">${escaped(line.name)}</text>`,
      ];
    }),
  ].join('\n');
}

/** Points that the axes can show. */
const usable = ({ points }: Line, logarithmic: boolean) =>
  points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y) && (!logarithmic || y > 0));

/** The powers of ten around all values. */
function decades(values: readonly number[]): [number, number] {
  if (values.length === 0) return [1, 10];
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
  return [low, Math.max(low * 10, 10 ** Math.ceil(Math.log10(Math.max(...values))))];
}

/** The next value of one digit and a half above: 1, 1.5, 2, 2.5, ... times a power of ten. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value)) / 2;
  return Math.ceil(value / unit) * unit;
}

const round1 = (value: number): number => Math.round(value * 10) / 10;
const tick = (value: number): string => String(Number(value.toPrecision(3)));
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
