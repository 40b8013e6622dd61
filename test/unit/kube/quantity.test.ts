import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatExactQuantity,
  formatQuantity,
  parseExactQuantity,
  parseQuantity,
  QuantityError,
} from '../../../kube/meta/quantity.ts';

test.each([
  ['0', 0],
  ['1', 1],
  [12, 12],
  ['1Ki', 1024],
  ['1.5Gi', 1_610_612_736],
  ['.5Mi', 524_288],
  ['1.', 1],
  ['2k', 2000],
  ['1.25G', 1_250_000_000],
  ['3e2', 300],
  ['3E2', 300],
  ['2E', 2e18],
  ['100m', 1],
  ['1500m', 2],
  ['1n', 1],
  ['-5', -5],
  ['-1500m', -1],
  ['+7', 7],
  ['12e-1', 2],
])('%s is %d base units, rounded up', (text, value) => {
  if (value > Number.MAX_SAFE_INTEGER) expect(() => parseQuantity(text)).toThrow(QuantityError);
  else expect(parseQuantity(text)).toBe(value);
});

test.each(['', ' 1', '1 ', '1K', '1kB', 'Mi', '1e', '1ee3', '1.2.3', '0x10', '1Mi5', '--1', '.', '1e9999', Number.NaN, Infinity])(
  '%j is not a quantity',
  (text) => {
    expect(() => parseQuantity(text)).toThrow(QuantityError);
  },
);

test('the message names the value and what is accepted', () => {
  expect(() => parseQuantity('5 apples')).toThrow('"5 apples" is not a quantity; write it like 512Mi');
});

test.each([
  ['1024Ki', '1Mi'],
  ['1536Mi', '1536Mi'],
  ['0.5Gi', '512Mi'],
  ['1023', '1023'],
  ['1000', '1k'],
  ['1500m', '1500m'],
  ['0.1', '100m'],
  ['1e3', '1e3'],
  ['1000e3', '1e6'],
  ['0Mi', '0'],
  ['512Ki', '512Ki'],
  ['0.5Ki', '512'],
  ['-1024Ki', '-1Mi'],
])('%s is %s in canonical form', (text, canonical) => {
  expect(formatExactQuantity(parseExactQuantity(text))).toBe(canonical);
});

test('formats bytes in binary units', () => {
  expect([0, 1023, 1024, 1_048_576, 3_221_225_472, 1025].map((bytes) => formatQuantity(bytes))).toEqual([
    '0',
    '1023',
    '1Ki',
    '1Mi',
    '3Gi',
    '1025',
  ]);
  expect(() => formatQuantity(1.5)).toThrow(QuantityError);
});

describe('round trips', () => {
  const format = fc.constantFrom('BinarySI' as const, 'DecimalSI' as const, 'DecimalExponent' as const);

  test('every whole number of units comes back from its text', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), format, (units, form) => {
        expect(parseQuantity(formatQuantity(units, form))).toBe(units === 0 ? 0 : units);
      }),
    );
  });

  test('canonical text is a fixed point and keeps the amount', () => {
    const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti', 'e2', 'E-3');
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(999), suffix, (whole, fraction, unit) => {
        const exact = parseExactQuantity(`${whole}.${fraction}${unit}`);
        const canonical = formatExactQuantity(exact);
        // Text without a suffix does not say which form it came from.
        const kept = parseExactQuantity(canonical).nanos;
        expect(formatExactQuantity({ nanos: kept, format: exact.format })).toBe(canonical);
        // Binary quantities from 1 Ki on are whole in canonical form, rounded up, as Kubernetes has it.
        if (exact.format === 'BinarySI') expect(kept - exact.nanos).toBeLessThan(1_000_000_000n);
        else expect(kept).toBe(exact.nanos);
      }),
    );
  });
});
