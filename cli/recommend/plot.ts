// Energy against latency, or against declared accuracy where every model has one, as a picture that stands alone.
import { paretoFront } from '../../energy/prediction/recommendation.ts';
import { formatEnergy } from '../../energy/units.ts';
import type { Recommended } from './recommended.ts';

const panel = { width: 760, height: 400, left: 96, right: 170, top: 48, bottom: 58 };
const colors = { Deploy: '#1a7f4b', DeployWithCaution: '#b7791f', DoNotDeploy: '#b3261e' } as const;
const labels = { Deploy: 'deploy', DeployWithCaution: 'with caution', DoNotDeploy: 'do not deploy' } as const;
const plotRight = panel.width - panel.right;
const plotBottom = panel.height - panel.bottom;

interface Axis {
  title: string;
  at: (value: number) => number;
  ticks: { position: number; text: string }[];
}

/** One panel per device class and predictor, which is named where a boundary has several; energy across, on a logarithmic scale. */
export function paretoPlot(rows: readonly Recommended[], budgetJoules: number | undefined): string {
  const titleOf = (row: Recommended) => `${row.deviceClass}, ${row.boundary}`;
  const predictors = new Map(
    [...Map.groupBy(rows, titleOf)].map(([title, list]) => [title, new Set(list.map(predictorOf)).size]),
  );
  const groups = [
    ...Map.groupBy(rows, (row) => {
      const title = titleOf(row);
      return (predictors.get(title) ?? 0) > 1 ? `${title}, ${predictorOf(row)}` : title;
    }),
  ];
  const panels = groups.map(
    ([title, list], index) => `<g transform="translate(0 ${index * panel.height})">${drawPanel(title, list, budgetJoules)}</g>`,
  );
  const height = Math.max(1, groups.length) * panel.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${panel.width} ${height}" width="${panel.width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="#1f2933">`,
    `<rect width="${panel.width}" height="${height}" fill="#ffffff"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function predictorOf({ prediction }: Recommended): string {
  return prediction.predictor;
}

function drawPanel(title: string, rows: readonly Recommended[], budget: number | undefined): string {
  const byAccuracy = rows.every((row) => row.accuracyPermille !== undefined);
  const second = (row: Recommended) =>
    byAccuracy ? (row.accuracyPermille ?? 0) / 10 : (row.prediction.latencySeconds?.estimate ?? 1e-6) * 1000;
  const bounds = rows.flatMap(({ prediction: { joulesPerInference: one } }) => [one.lower, one.upper]);
  const x = logAxis(
    'energy per inference (line: 90 % interval)',
    [...bounds, ...(budget ? [budget] : [])],
    panel.left,
    plotRight,
    formatEnergy,
  );
  const y = byAccuracy
    ? linearAxis('declared accuracy, %', rows.map(second))
    : logAxis('predicted latency, ms', rows.map(second), plotBottom, panel.top, (value) => String(value));
  const front = paretoFront(rows.map((row) => ({ row, joules: row.joules, lower: byAccuracy ? -second(row) : second(row) })));
  const steps = front.map(({ row }) => `${x.at(row.joules).toFixed(1)},${y.at(second(row)).toFixed(1)}`).join(' ');
  return [
    `<text x="${panel.left}" y="24" font-size="15" font-weight="600">${escaped(title)}</text>`,
    grid(x, y),
    budget === undefined ? '' : budgetLine(x.at(budget), budget),
    `<polyline points="${steps}" fill="none" stroke="#52606d" stroke-dasharray="5 4"/>`,
    ...rows.map((row) => dot(row, x, y.at(second(row)))),
    ...spread(rows.map((row) => ({ row, x: x.at(row.joules), y: y.at(second(row)) }))),
    legend(),
  ].join('\n');
}

function grid(x: Axis, y: Axis): string {
  const vertical = x.ticks.map(
    ({ position, text }) =>
      `<path d="M${position.toFixed(1)} ${panel.top}V${plotBottom}" stroke="#e4e7eb"/><text x="${position.toFixed(1)}" y="${plotBottom + 18}" text-anchor="middle">${text}</text>`,
  );
  const horizontal = y.ticks.map(
    ({ position, text }) =>
      `<path d="M${panel.left} ${position.toFixed(1)}H${plotRight}" stroke="#e4e7eb"/><text x="${panel.left - 8}" y="${(position + 4).toFixed(1)}" text-anchor="end">${text}</text>`,
  );
  const middle = (panel.top + plotBottom) / 2;
  return [
    ...vertical,
    ...horizontal,
    `<path d="M${panel.left} ${panel.top}V${plotBottom}H${plotRight}" fill="none" stroke="#7b8794"/>`,
    `<text x="${(panel.left + plotRight) / 2}" y="${panel.height - 16}" text-anchor="middle">${x.title}</text>`,
    `<text transform="translate(26 ${middle}) rotate(-90)" text-anchor="middle">${y.title}</text>`,
  ].join('');
}

function budgetLine(position: number, budget: number): string {
  return `<path d="M${position.toFixed(1)} ${panel.top}V${plotBottom}" stroke="#b3261e" stroke-width="1.5"/><text x="${position.toFixed(1)}" y="${panel.top - 6}" text-anchor="middle" fill="#b3261e">budget ${formatEnergy(budget)}</text>`;
}

function dot(row: Recommended, x: Axis, height: number): string {
  const { lower, upper } = row.prediction.joulesPerInference;
  const color = colors[row.advice];
  const at = height.toFixed(1);
  return `<path d="M${x.at(lower).toFixed(1)} ${at}H${x.at(upper).toFixed(1)}" stroke="${color}" stroke-width="2" opacity="0.55"/><circle cx="${x.at(row.joules).toFixed(1)}" cy="${at}" r="5" fill="${color}"><title>${escaped(row.file)}: ${formatEnergy(row.joules)}</title></circle>`;
}

const lineHeight = 14;
const maximumLabels = 24;

/** Names above their dots; one that would cover another moves up. The best ranked are named first, and only so many. */
function spread(dots: readonly { row: Recommended; x: number; y: number }[]): string[] {
  const placed: { x: number; y: number; width: number }[] = [];
  return dots.slice(0, maximumLabels).map(({ row, x, y }) => {
    const name = row.file
      .replace(/(\/model)?\.onnx$/, '')
      .split('/')
      .slice(-2)
      .join('/')
      .slice(-32);
    const width = 6.5 * name.length;
    let height = y - 9;
    while (placed.some((other) => Math.abs(other.y - height) < lineHeight && Math.abs(other.x - x) < (other.width + width) / 2))
      height -= lineHeight;
    placed.push({ x, y: height, width });
    return `<text x="${x.toFixed(1)}" y="${height.toFixed(1)}" text-anchor="middle" font-size="11">${escaped(name)}</text>`;
  });
}

function legend(): string {
  const left = plotRight + 24;
  const entries = (Object.keys(colors) as (keyof typeof colors)[]).map(
    (advice, index) =>
      `<circle cx="${left}" cy="${panel.top + 10 + index * 22}" r="5" fill="${colors[advice]}"/><text x="${left + 12}" y="${panel.top + 14 + index * 22}">${labels[advice]}</text>`,
  );
  const y = panel.top + 10 + entries.length * 22;
  return `${entries.join('')}<path d="M${left - 6} ${y}h14" stroke="#52606d" stroke-dasharray="5 4"/><text x="${left + 12}" y="${y + 4}">Pareto front</text>`;
}

function logAxis(title: string, values: readonly number[], from: number, to: number, format: (value: number) => string): Axis {
  const low = Math.log10(values.reduce((a, b) => Math.min(a, b))) - 0.2;
  const high = Math.log10(values.reduce((a, b) => Math.max(a, b))) + 0.25;
  const at = (value: number) => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  const factors = high - low < 1.5 ? [1, 2, 5] : [1];
  const decades = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, index) => Math.floor(low) + index);
  const ticks = decades
    .flatMap((decade) => factors.map((factor) => Number((factor * 10 ** decade).toPrecision(6))))
    .filter((value) => Math.log10(value) >= low && Math.log10(value) <= high)
    .map((value) => ({ position: at(value), text: format(value) }));
  return { title, at, ticks };
}

function linearAxis(title: string, values: readonly number[]): Axis {
  const low = values.reduce((a, b) => Math.min(a, b)) - 1;
  const high = values.reduce((a, b) => Math.max(a, b)) + 1;
  const at = (value: number) => plotBottom + ((value - low) / (high - low)) * (panel.top - plotBottom);
  const ticks = Array.from({ length: 5 }, (_, index) => low + (index * (high - low)) / 4);
  return { title, at, ticks: ticks.map((value) => ({ position: at(value), text: value.toFixed(1) })) };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
