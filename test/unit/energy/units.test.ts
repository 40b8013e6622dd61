import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  energyPattern,
  formatEnergy,
  formatMilliseconds,
  formatPower,
  formatRate,
  parseEnergy,
  parsePower,
  parseRate,
  powerPattern,
  ratePattern,
  UnitError,
} from '../../../energy/units.ts';

describe('amounts with units', () => {
  it.each([
    ['80mJ', 0.08],
    ['80uJ', 80e-6],
    ['80µJ', 80e-6],
    ['20kJ', 20_000],
    ['5Wh', 18_000],
    ['1mWh', 3.6],
    ['0.5J', 0.5],
    ['1.5J', 1.5],
  ])('reads %s as %d joules', (text, joules) => expect(parseEnergy(text)).toBe(joules));

  it.each([
    ['2.5W', 2.5],
    ['400mW', 0.4],
    ['1kW', 1000],
  ])('reads %s as %d watts', (text, watts) => expect(parsePower(text)).toBe(watts));

  it.each([
    ['5/s', 5],
    ['12/min', 0.2],
    ['36/h', 0.01],
    ['864/d', 0.01],
  ])('reads %s as %d per second', (text, perSecond) => expect(parseRate(text)).toBe(perSecond));

  it.each(['80', '0mJ', '0.0J', '-5mJ', '+5mJ', '5 mJ', 'mJ', '', '1e3J', '5W', '5kWh', '05J', '.5J', '5.J', '٣J', '5mJ\n'])(
    'refuses "%s" as an energy and says what is accepted',
    (text) => {
      expect(() => parseEnergy(text)).toThrow(UnitError);
      expect(() => parseEnergy(text)).toThrow(/such as 80mJ/);
    },
  );

  it('says why: no unit, zero, negative', () => {
    expect(() => parseEnergy('80')).toThrow('energy "80" has no unit');
    expect(() => parseEnergy('0mJ')).toThrow('is zero');
    expect(() => parseEnergy('-1mJ')).toThrow('is negative');
  });

  it.each([
    [0.0312, '31.2mJ'],
    [0.08, '80mJ'],
    [0.9996, '1J'],
    [1234, '1.23kJ'],
    [1_234_567, '1230kJ'],
    [3.456e-8, '0.0346µJ'],
    [0, '0J'],
    [-0.0005, '-500µJ'],
  ])('writes %d joules as %s', (joules, text) => expect(formatEnergy(joules)).toBe(text));

  it('writes powers and rates the same way', () => {
    expect(formatPower(2.5)).toBe('2.5W');
    expect(formatPower(0.0321)).toBe('32.1mW');
    expect(formatRate(0.2)).toBe('12/min');
    expect(formatRate(5)).toBe('5/s');
  });

  it('writes times without an exponent, a second and more included', () => {
    expect([0.00505, 0.05, 1.512, 61].map(formatMilliseconds)).toEqual(['5.05 ms', '50.0 ms', '1510 ms', '61000 ms']);
  });

  it('reads back what it writes, within half of the third digit', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-7, max: 1e9, noNaN: true }), (joules) => {
        const text = formatEnergy(joules);
        expect(text).toMatch(new RegExp(energyPattern));
        expect(Math.abs(parseEnergy(text) / joules - 1)).toBeLessThan(0.005_001);
      }),
    );
  });

  it('keeps patterns that RE2 can compile: no look-around, no back-references', () => {
    for (const pattern of [energyPattern, powerPattern, ratePattern]) expect(pattern).not.toMatch(/\(\?|\\[1-9]/);
  });
});
