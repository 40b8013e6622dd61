import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type BoardMeasurement, fitBoard, leaveOneOut } from '../../../energy/calibration/board-fit.ts';
import { type BoardDescription, boardPredictor } from '../../../energy/calibration/board-predictor.ts';
import { bestSource } from '../../../energy/calibration/source-choice.ts';
import { evaluateLogModel, queryOf } from '../../../energy/prediction/log-model.ts';
import type { ClassKey } from '../../../energy/prediction/prediction.ts';
import { type Predictor, parsePredictor, predict } from '../../../energy/prediction/predictor.ts';
import { artifactText } from '../../../energy/prediction/training/ship.ts';
import { type Network, probeNetworks, virtualBoards } from '../../support/virtual-boards.ts';

const shipped = (name: string) =>
  parsePredictor(readFileSync(new URL(`../../../data/predictors/${name}.json`, import.meta.url), 'utf8'));
const pi = shipped('raspberry-pi-5-board-pytorch');
const jetson = shipped('jetson-nano-board-pytorch');
const cells = shipped('raspberry-pi-5-corerail-onnxruntime');

const networks = probeNetworks();
const description: BoardDescription = {
  deviceClass: 'my-board',
  key: { board: 'my-board', runtime: 'onnxruntime', threads: 1 },
  boundary: 'Board',
  quantity: 'Active',
  data: { file: 'my-board.measurements.json', sha256: 'abc' },
  date: '2026-11-21',
  version: 1,
  extractorVersion: 1,
  probes: {
    meter: 'ina3221:VDD_IN',
    simulated: false,
    leftOut: [{ probe: 'too-large', reason: 'LoadFailed' }],
    anchor: { probe: 'small', measurements: 5, largestDriftPercent: 1.2 },
    driftAccepted: [],
  },
};

function board(index: number) {
  const found = virtualBoards()[index];
  if (!found) throw new Error(`there is no virtual board ${index}`);
  return found;
}

function exactly(joules: (network: Network) => number): BoardMeasurement[] {
  return networks.map((network) => ({
    network: network.name,
    features: network.features,
    batch: 1,
    value: joules(network),
    logVariance: 1e-4,
  }));
}

describe('fitting a board to its probes', () => {
  const ofPi = ({ features }: Network) => evaluateLogModel(pi.energy.model, queryOf(pi.surroundings, features)).roofline;

  it('finds a board that is the source times a factor from five measurements', () => {
    const measured = exactly((network) => 7 * ofPi(network));
    const { model, surroundings } = fitBoard(pi, measured.slice(0, 5), 'energy');
    for (const network of networks) {
      const predicted = evaluateLogModel(model, queryOf(surroundings, network.features)).value;
      expect(Math.abs(predicted / (7 * ofPi(network)) - 1)).toBeLessThan(0.15);
    }
  });

  it('knows nothing of the source’s level: a source a thousand times larger gives the same', () => {
    const larger = {
      ...pi,
      energy: { ...pi.energy, model: { ...pi.energy.model, roofline: pi.energy.model.roofline.map((cost) => 1000 * cost) } },
    };
    const measured = exactly((network) => board(0).truthOf(network).joules);
    const [left, right] = [pi, larger].map((source) => fitBoard(source, measured, 'energy').model.roofline);
    for (const [index, cost] of (left ?? []).entries()) expect((right?.[index] ?? 0) / cost).toBeCloseTo(1, 1);
  });

  it('gives the same for the same measurements', () => {
    const measured = exactly(ofPi);
    expect(fitBoard(jetson, measured, 'energy')).toEqual(fitBoard(jetson, measured, 'energy'));
  });

  it('leaves every measurement of a network out together', () => {
    const measured = exactly(ofPi).slice(0, 6);
    const twice = [...measured, ...measured.map((one) => ({ ...one, value: 1.2 * one.value }))];
    const residuals = leaveOneOut(jetson, twice, 'energy').map(({ logResidual }) => logResidual);
    expect(residuals).toHaveLength(12);
    for (const [index] of measured.entries())
      expect((residuals[index + measured.length] ?? 0) - (residuals[index] ?? 0)).toBeCloseTo(Math.log(1.2), 9);
  });

  it.each([
    ['nothing', [] as BoardMeasurement[], 'nothing was measured'],
    ['an energy of zero', exactly(() => 0), 'must be above zero'],
    ['a negative variance', exactly(() => 1).map((one) => ({ ...one, logVariance: -1 })), 'must not be negative'],
  ])('refuses %s', (_, measured, message) => {
    expect(() => fitBoard(pi, measured, 'energy')).toThrow(message);
  });
});

describe('the predictor of a calibrated board', () => {
  const measured = networks.map((network) => board(2).measure(network));
  const artifact = boardPredictor([jetson, pi, cells], measured, description);
  const predictor = parsePredictor(artifactText(artifact));

  it('answers for the board that was measured, with an interval around the measurement', () => {
    for (const [index, network] of networks.entries()) {
      const { joulesPerInference, transferred, inDomain, method } = predict(predictor, network.features, description.key, {
        confidencePercent: 90,
      });
      expect([transferred, inDomain]).toEqual([false, true]);
      expect(method).toContain('interval from left-out ones');
      expect(joulesPerInference.lower).toBeLessThan(measured[index]?.joules ?? 0);
      expect(joulesPerInference.upper).toBeGreaterThan(measured[index]?.joules ?? 0);
    }
  });

  it('is transferred on another runtime', () => {
    const features = networks[0]?.features;
    if (!features) throw new Error('there are no probes');
    const { transferred, joulesPerInference } = predict(predictor, features, { runtime: 'pytorch' }, { confidencePercent: 90 });
    expect(transferred).toBe(true);
    expect(joulesPerInference.upper / joulesPerInference.estimate).toBeGreaterThanOrEqual(2);
  });

  it('says on its card what was measured, what was not, and whose proportions it has', () => {
    expect(predictor.name).toBe('my-board-board-onnxruntime-calibrated');
    expect(predictor.card).toMatchObject({
      rows: networks.length,
      scaleAssumed: false,
      data: [{ file: 'my-board.measurements.json' }],
      calibration: {
        source: expect.stringMatching(/@1$/) as string,
        meter: 'ina3221:VDD_IN',
        leftOut: [{ probe: 'too-large', reason: 'LoadFailed' }],
        anchor: { measurements: 5 },
      },
      coverage: { confidencePercent: 90, insideCount: networks.length },
    });
    expect(predictor.card.assumptions.join()).toContain(predictor.card.calibration?.source.replace(/@1$/, ''));
  });

  describe('takes proportions', () => {
    const rows = measured.map((probe) => ({
      network: probe.name,
      features: probe.features,
      batch: 1,
      value: probe.joules,
      logVariance: probe.joulesLogVariance,
    }));
    const named = (name: string, source: Predictor, key: ClassKey): Predictor => ({
      ...source,
      name,
      card: { ...source.card, key },
    });

    it('from a predictor of the same kind of processor', () => {
      expect(bestSource([cells, jetson, pi], rows, { executionProvider: 'cpu' }).name).toBe(pi.name);
      expect(bestSource([cells, jetson, pi], rows, { executionProvider: 'cuda' }).name).toBe(jetson.name);
    });

    it('from one that knows every kind of work, though another has the same runtime', () => {
      expect(bestSource([cells, pi], rows, { runtime: 'onnxruntime', threads: 1 }).name).toBe(pi.name);
    });

    it('of several alike, from the one that predicts left-out probes best', () => {
      const alike = [named('first', jetson, {}), named('second', pi, {})];
      const errors = alike.map((source) =>
        leaveOneOut(source, rows, 'energy').reduce((sum, { logResidual }) => sum + Math.abs(logResidual), 0),
      );
      expect(bestSource(alike, rows, {}).name).toBe(alike[errors.indexOf(Math.min(...errors))]?.name);
    });
  });

  it('is not made of fewer than ten probes, or without a source', () => {
    expect(() => boardPredictor([pi], measured.slice(0, 9), description)).toThrow('at least 10');
    expect(() => boardPredictor([], measured, description)).toThrow('there is no predictor');
  });
});
