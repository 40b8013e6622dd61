// Amounts as Kubernetes writes them: "512Mi", "1.5G", "100m", "2e3". Exact: held as whole nano-units in a bigint.
// Grammar and canonical form: k8s.io/apimachinery/pkg/api/resource/quantity.go.

export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

export type QuantityFormat = 'BinarySI' | 'DecimalSI' | 'DecimalExponent';

export interface ExactQuantity {
  nanos: bigint;
  format: QuantityFormat;
}

const nano = 1_000_000_000n;
const grammar = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?$/;

const binary: Record<string, bigint> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };
const decimal: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
/** What a quantity's whole base units may be at most, as in Kubernetes. */
const maxUnits = 2n ** 63n - 1n;

/**
 * The amount in base units (bytes for memory), rounded up as Kubernetes' Value() does. A number passes if it is whole.
 * Throws QuantityError for bad text and for more than 2^53 − 1, which a number cannot hold exactly.
 */
export function parseQuantity(quantity: string | number): number {
  const { nanos } = parseExactQuantity(quantity);
  const units = nanos / nano + (nanos > 0n && nanos % nano !== 0n ? 1n : 0n);
  const value = Number(units);
  if (!Number.isSafeInteger(value))
    throw new QuantityError(`quantity ${quantity} is too large to count exactly; at most 2^53 - 1`);
  return value;
}

/**
 * The amount in base units of a text that a schema let through: what is too large to count is as much as can be counted. A pattern
 * cannot say how large a number is, and whoever reads the objects of many people must not end at one of them.
 */
export function countQuantity(quantity: string | number): number {
  try {
    return parseQuantity(quantity);
  } catch (error) {
    if (error instanceof QuantityError) return Number.MAX_SAFE_INTEGER;
    throw error;
  }
}

/** Without loss; below a nano-unit it rounds up, away from zero, as Kubernetes does. */
export function parseExactQuantity(quantity: string | number): ExactQuantity {
  const text = typeof quantity === 'number' ? String(quantity) : quantity;
  const match = grammar.exec(text);
  if (!match) throw new QuantityError(`${JSON.stringify(quantity)} is not a quantity; write it like 512Mi, 1.5G, 100m or 2e3`);
  const [, sign, digits = '', suffix = '', exponent] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const mantissa = BigInt(whole + fraction);
  const shift = binary[suffix];
  const power = 9 - fraction.length + (shift === undefined ? Number(exponent ?? decimal[suffix] ?? 0) : 0);
  const nanos = scale(mantissa << (shift ?? 0n), power);
  if (nanos > maxUnits * nano) throw new QuantityError(`quantity ${quantity} exceeds 2^63 - 1`);
  const format = shift !== undefined ? 'BinarySI' : exponent !== undefined ? 'DecimalExponent' : 'DecimalSI';
  return { nanos: sign === '-' ? -nanos : nanos, format };
}

/** Canonical text: the largest suffix that keeps the number whole, "1Mi" rather than "1024Ki". `value` is in base units. */
export function formatQuantity(value: number | bigint, format: QuantityFormat = 'BinarySI'): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new QuantityError(`${value} is not a whole number of units`);
  return formatExactQuantity({ nanos: BigInt(value) * nano, format });
}

export function formatExactQuantity({ nanos, format }: ExactQuantity): string {
  if (nanos === 0n) return '0';
  const sign = nanos < 0n ? '-' : '';
  const amount = nanos < 0n ? -nanos : nanos;
  // Kubernetes writes binary quantities below 1024 in decimal form, and rounds the others up to whole units.
  if (format === 'BinarySI' && amount >= 1024n * nano) return sign + formatBinary((amount + nano - 1n) / nano);
  return sign + formatDecimal(amount, format === 'DecimalExponent');
}

function formatBinary(units: bigint): string {
  let suffix = '';
  let power = 0n;
  for (const [name, bits] of Object.entries(binary)) {
    if (units % (1n << bits) !== 0n) break;
    suffix = name;
    power = bits;
  }
  return `${units >> power}${suffix}`;
}

function formatDecimal(nanos: bigint, exponentForm: boolean): string {
  let power = -9;
  let mantissa = nanos;
  while (power < 18 && mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    power += 3;
  }
  if (exponentForm) return power === 0 ? `${mantissa}` : `${mantissa}e${power}`;
  const suffix = Object.entries(decimal).find(([, exponent]) => exponent === power)?.[0] ?? '';
  return `${mantissa}${suffix}`;
}

/** mantissa · 10^power, rounded up. */
function scale(mantissa: bigint, power: number): bigint {
  if (power >= 0) return mantissa * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  return (mantissa + divisor - 1n) / divisor;
}
