import { describe, expect, it } from 'vitest';
import type { Baseline } from '../../../agent/measurement/idle-baseline.ts';
import type { WindowResult } from '../../../agent/measurement/load-window.ts';
import { belowResolution } from '../../../agent/measurement/resolution.ts';
import {
  absoluteFigures,
  joulesPerInference,
  type Meterage,
  pairedFigures,
  trafficFigures,
} from '../../../agent/measurement/test-result.ts';
import type { PowerSource } from '../../../agent/power/power-source.ts';

const window = (joules: number | undefined, inferences = 100): WindowResult => ({
  seconds: 10,
  inferences,
  errors: 0,
  latenciesMicroseconds: [900, 1000, 1100],
  ...(joules === undefined ? {} : { joules }),
});
const baseline: Baseline = { watts: 2, relativeSd: 0.01, source: 'meter', time: 0, at: 0 };
const meterage: Meterage = { boundary: 'Board', source: 'meter', gainRelativeSd: 0.01, confidencePercent: 90 };

describe('what a controlled loop says', () => {
  it('counts active energy on a board, and energy above idle at a core rail', () => {
    expect(joulesPerInference(window(30), { boundary: 'Board' })).toBeCloseTo(0.3, 12);
    expect(joulesPerInference(window(30), { boundary: 'CoreRail', baseline })).toBeCloseTo(0.1, 12);
  });

  it('says nothing without a baseline where one is needed, or without a meter', () => {
    expect(joulesPerInference(window(30), { boundary: 'CoreRail' })).toBeUndefined();
    expect(joulesPerInference(window(undefined), { boundary: 'Board' })).toBeUndefined();
    expect(absoluteFigures([window(undefined), window(undefined)], meterage, 't')).toEqual({});
  });

  it('gives a value with its interval, its source and its attribution', () => {
    const { energy } = absoluteFigures(
      [29, 30, 31, 30, 29.5, 30.5].map((joules) => window(joules)),
      meterage,
      't',
    );
    expect(energy).toMatchObject({
      value: '300mJ',
      quantity: 'Active',
      boundary: 'Board',
      source: 'meter',
      attribution: 'Controlled',
      inferences: 600,
    });
  });

  it('is less sure at a core rail the more idle there is in a window', () => {
    const width = (joules: number) => {
      const { energy } = absoluteFigures(
        Array.from({ length: 6 }, () => window(joules)),
        { ...meterage, boundary: 'CoreRail', baseline },
        't',
      );
      return Number.parseFloat(energy?.upper ?? '') / Number.parseFloat(energy?.lower ?? '');
    };
    expect(width(22)).toBeGreaterThan(width(40));
  });

  it('compares in quads: what drifts slowly cancels', () => {
    const quads = [0, 1, 2, 3, 4, 5].map((drift) => ({
      active: [window(30 * (1 + drift / 100)), window(30 * (1 + (drift + 0.9) / 100))] as [WindowResult, WindowResult],
      candidate: [window(33 * (1 + (drift + 0.3) / 100)), window(33 * (1 + (drift + 0.6) / 100))] as [WindowResult, WindowResult],
    }));
    const { meanLog } = pairedFigures(quads, meterage, 't');
    expect(Number(meanLog)).toBeCloseTo(Math.log(1.1), 4);
  });

  it('counts errors and latency beside energy', () => {
    expect(trafficFigures([window(1), { ...window(1), errors: 2 }])).toEqual({
      inferences: 200,
      errors: 2,
      p95LatencyMicroseconds: 1100,
    });
  });

  it('does not report what the meter cannot see', () => {
    const source: PowerSource = {
      name: 'ina3221:VDD_IN',
      kind: 'ina3221',
      boundary: 'Module',
      resolution: { watts: 0.04 },
      intervalMilliseconds: 1000,
      onDemand: false,
      partial: false,
      notes: [],
      read: () => Promise.reject(new Error('not read here')),
    };
    const seen = { boundary: 'CoreRail' as const, baseline };
    expect(belowResolution([window(20.05, 1000)], seen, source)).toMatch(/^ina3221:VDD_IN cannot see less than \d/);
    expect(belowResolution([window(40, 1000)], seen, source)).toBeUndefined();
  });
});
