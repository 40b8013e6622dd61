// Energy, power and rates as people write them ("80mJ", "2.5W", "5/s"): one grammar for objects, flags and answers.

/** The amount does not follow the grammar; the message names the value and what is accepted. */
export class UnitError extends Error {
  override readonly name = 'UnitError';
  readonly value: string;
  constructor(value: string, message: string) {
    super(message);
    this.value = value;
  }
}

interface Grammar {
  /** What the amount is, for messages. */
  noun: string;
  example: string;
  /** SI value of one unit. */
  units: ReadonlyMap<string, number>;
  pattern: string;
}

/** A positive decimal without sign or exponent. No look-ahead: Kubernetes compiles the patterns with RE2. */
const positiveNumber = '([1-9][0-9]{0,11}(\\.[0-9]{1,9})?|0\\.[0-9]{0,8}[1-9][0-9]{0,8})';

function grammar(noun: string, example: string, units: Record<string, number>): Grammar {
  const names = Object.keys(units);
  return { noun, example, units: new Map(Object.entries(units)), pattern: `^${positiveNumber}(${names.join('|')})$` };
}

const energy = grammar('energy', '80mJ', { µJ: 1e-6, uJ: 1e-6, mJ: 1e-3, J: 1, kJ: 1e3, mWh: 3.6, Wh: 3600 });
const power = grammar('power', '2.5W', { mW: 1e-3, W: 1, kW: 1e3 });
const rate = grammar('rate', '5/s', { '/s': 1, '/min': 1 / 60, '/h': 1 / 3600, '/d': 1 / 86_400 });

/** The CRDs carry these strings as `pattern`; a test holds them equal. */
export const energyPattern = energy.pattern;
export const powerPattern = power.pattern;
export const ratePattern = rate.pattern;

/** "80mJ" → 0.08 (joules). Throws UnitError. */
export function parseEnergy(text: string): number {
  return parse(text, energy);
}

/** "2.5W" → 2.5 (watts). Throws UnitError. */
export function parsePower(text: string): number {
  return parse(text, power);
}

/** "12/min" → 0.2 (per second). Throws UnitError. */
export function parseRate(text: string): number {
  return parse(text, rate);
}

/** Joules with three significant digits and the unit that keeps them readable: 0.0312 → "31.2mJ". */
export function formatEnergy(joules: number): string {
  return format(joules, [
    ['kJ', 1e3],
    ['J', 1],
    ['mJ', 1e-3],
    ['µJ', 1e-6],
  ]);
}

/** Watts with three significant digits: 2.5 → "2.5W". */
export function formatPower(watts: number): string {
  return format(watts, [
    ['kW', 1e3],
    ['W', 1],
    ['mW', 1e-3],
  ]);
}

/** Per second with three significant digits: 0.2 → "12/min". */
export function formatRate(perSecond: number): string {
  return format(perSecond, [
    ['/s', 1],
    ['/min', 1 / 60],
    ['/h', 1 / 3600],
    ['/d', 1 / 86_400],
  ]);
}

/** Three significant digits of milliseconds, a second and more included: 1.512 s → "1510 ms". */
export function formatMilliseconds(seconds: number): string {
  const digits = (seconds * 1000).toPrecision(3);
  return `${digits.includes('e') ? plain(Number(digits)) : digits} ms`;
}

function parse(text: string, grammar: Grammar): number {
  const match = new RegExp(grammar.pattern).exec(text);
  const unit = match?.[match.length - 1];
  const scale = unit === undefined ? undefined : grammar.units.get(unit);
  const digits = match?.[1];
  if (digits === undefined || scale === undefined) throw new UnitError(text, complaint(text, grammar));
  // The shortest decimal that means the product: 80 × 0.001 must not become 0.08000000000000002.
  return Number((Number(digits) * scale).toPrecision(15));
}

function complaint(text: string, { noun, example, units }: Grammar): string {
  const accepted = `write a positive number with one of ${[...units.keys()].join(', ')}, such as ${example}`;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  if (/^\s*[+-]?[0-9.]+\s*$/.test(text)) return `${noun} "${shown}" has no unit: ${accepted}`;
  if (/^\s*-/.test(text)) return `${noun} "${shown}" is negative: ${accepted}`;
  if (/^0*(\.0*)?[^0-9.]/.test(text)) return `${noun} "${shown}" is zero: ${accepted}`;
  return `${noun} "${shown}" is not understood: ${accepted}`;
}

function format(value: number, units: [string, number][]): string {
  if (!Number.isFinite(value)) throw new UnitError(String(value), `${value} cannot be written as an amount: it is not finite`);
  const rounded = Number(value.toPrecision(3));
  const smallest = units[units.length - 1];
  const base = units.find(([, scale]) => scale === 1) ?? smallest;
  const unit = rounded === 0 ? base : (units.find(([, scale]) => Math.abs(rounded) >= scale * (1 - 1e-12)) ?? smallest);
  if (!unit) throw new UnitError(String(value), 'no unit to write the amount in');
  return `${plain(Number((value / unit[1]).toPrecision(3)))}${unit[0]}`;
}

/** Without an exponent, whatever the size. */
function plain(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  return value.toFixed(Math.min(20, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))))).replace(/\.?0+$/, '');
}
