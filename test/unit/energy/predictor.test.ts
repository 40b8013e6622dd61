import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { choosePredictor, loadCatalogue, predictorsOfClass, reportPrediction } from '../../../energy/prediction/catalogue.ts';
import { matchKeys } from '../../../energy/prediction/class-key.ts';
import { explain, PredictorFormatError, parsePredictor, predict } from '../../../energy/prediction/predictor.ts';
import { conformalQuantile, halfWidth, thinScores } from '../../../energy/prediction/regression/conformal.ts';
import { cellFeatures } from '../../../energy/prediction/training/cell-rows.ts';
import { binomialInterval } from '../../../energy/prediction/training/coverage.ts';

const folder = new URL('../../../data/predictors/', import.meta.url);
const shipped = ['jetson-nano-board-pytorch', 'raspberry-pi-5-board-pytorch', 'raspberry-pi-5-corerail-onnxruntime'];
const textOf = (name: string) => readFileSync(new URL(`${name}.json`, folder), 'utf8');
const predictors = shipped.map((name) => parsePredictor(textOf(name)));
const [jetson, piBoard, piCore] = predictors;
if (!jetson || !piBoard || !piCore) throw new Error('the shipped predictors are missing');

const cell = '|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|none~2|';
const features = cellFeatures(cell, '1x3x32x32', 'cifar100');
const agentKey = {
  board: 'raspberry-pi-5',
  runtime: 'onnxruntime',
  runtimeVersion: '1.30',
  executionProvider: 'cpu',
  threads: 1,
  spinning: false,
  precision: 'fp32',
};
const at90 = { confidencePercent: 90 };
const analysis = { features, precision: 'fp32', path: 'profiled' } as const;

describe('the shipped predictors', () => {
  it.each(predictors)('$name carries a card that says where its numbers come from', ({ card, name, version }) => {
    expect(`${card.deviceClass}-${card.boundary.toLowerCase()}-${card.key.runtime}`).toBe(name);
    expect(version).toBeGreaterThanOrEqual(1);
    for (const { sha256 } of card.data) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(card.quantity).toBe(card.boundary === 'CoreRail' ? 'Marginal' : 'Active');
    expect(card.assumptions.length).toBeGreaterThan(0);
    expect(card.baselines.length).toBeGreaterThan(0);
    expect(card.coverage.insidePermille).toBeGreaterThanOrEqual(860);
  });

  it.each([
    [piCore, 1.2],
    [piBoard, 1.2],
    [jetson, 1.35],
  ])(
    'hold nine of ten in their 90 % interval, by the exact binomial test, and are not wider than they may be',
    ({ card }, widest) => {
      const { insidePermille, insideCount, halfWidthFactor } = card.coverage;
      // Rows of one architecture are not independent: the test counts architectures.
      const count = Math.min(insideCount, card.architectures);
      const [lower, upper] = binomialInterval(Math.round((insidePermille / 1000) * count), count, 90);
      expect(lower).toBeLessThanOrEqual(0.9);
      expect(upper).toBeGreaterThanOrEqual(0.9);
      expect(halfWidthFactor).toBeLessThanOrEqual(widest);
    },
  );

  it('the Pi’s whole-board scale is said to be assumed', () => {
    expect(piBoard.card.scaleAssumed).toBe(true);
    expect(reportPrediction(piBoard, analysis, { deviceClass: 'raspberry-pi-5', ...at90 }).scaleAssumed).toBe(true);
  });

  it('know a NAS-Bench-201 network on the core rail, and only there', () => {
    const prediction = predict(piCore, features, agentKey, at90);
    expect(prediction).toMatchObject({ inDomain: true, transferred: false, boundary: 'CoreRail', quantity: 'Marginal' });
    expect(prediction.unknownParts).toEqual(['powerMode', 'governor', 'runtimeVersion']);
    expect(predict(piBoard, features, agentKey, at90).inDomain).toBe(false);
    expect(predict(jetson, features, agentKey, at90).inDomain).toBe(false);
  });

  it('widen to at least ÷2…×2 for a device with another key, and name the difference', () => {
    const prediction = predict(piCore, features, { ...agentKey, threads: 4 }, at90);
    const { estimate, lower, upper } = prediction.joulesPerInference;
    expect(prediction.transferred).toBe(true);
    expect(prediction.mismatches).toEqual(['threads: card 1, device 4']);
    expect(lower).toBeLessThanOrEqual(estimate / 2);
    expect(upper).toBeGreaterThanOrEqual(estimate * 2);
    expect(prediction.method).toContain('transferred');
  });

  it('lower the lower bound alone for a graph that was read without running, and say so', () => {
    const [run, counted] = (['profiled', 'static'] as const).map((path) =>
      predict(piCore, features, agentKey, { ...at90, path }),
    );
    expect(counted?.joulesPerInference).toEqual({
      ...run?.joulesPerInference,
      lower: expect.closeTo(0.5 * (run?.joulesPerInference.lower ?? 0), 12) as number,
    });
    expect(counted?.method).toContain('read without running');
    expect(run?.method).not.toContain('read without running');
  });

  it('give wider intervals for more confidence', () => {
    const widths = [50, 80, 90, 95].map((confidencePercent) => {
      const { lower, upper } = predict(piBoard, features, piBoard.card.key, { confidencePercent }).joulesPerInference;
      return upper / lower;
    });
    expect(widths).toEqual([...widths].sort((a, b) => a - b));
  });

  it('explain the whole estimate, part by part', () => {
    const shares = explain(piCore, features);
    const { estimate } = predict(piCore, features, agentKey, at90).joulesPerInference;
    expect(shares.reduce((sum, { joules }) => sum + joules, 0)).toBeCloseTo(estimate, 12);
    expect(shares.reduce((sum, { percent }) => sum + percent, 0)).toBeCloseTo(100, 9);
    expect(shares[0]?.part).toBe('conv3x3');
  });

  it('the same graph gives the same answer, larger input a larger one', () => {
    const again = cellFeatures(cell, '1x3x32x32', 'cifar100');
    const larger = cellFeatures(cell, '1x3x64x64', 'cifar100');
    const joules = (of: typeof features) => predict(piCore, of, agentKey, at90).joulesPerInference.estimate;
    expect(joules(again)).toBe(joules(features));
    expect(joules(larger)).toBeGreaterThan(2 * joules(features));
  });
});

describe('a predictor file', () => {
  it.each([
    ['', 'not JSON'],
    ['{}', 'format'],
    ['null', 'format'],
    ['{"format":"jouleops-predictor/0"}', 'jouleops-predictor/0'],
    ['{"format":"jouleops-predictor/1","name":"x","descriptors":[]}', 'other descriptors'],
  ])('that holds %s is refused with a reason', (text, message) => {
    expect(() => parsePredictor(text)).toThrow(PredictorFormatError);
    expect(() => parsePredictor(text)).toThrow(message);
  });

  type Json = Record<string, unknown>;
  const of = (value: unknown) => value as Json;
  it.each<[string, (artifact: Json) => void, string]>([
    ['a version that is none', (one) => Object.assign(one, { version: 'one' }), 'has version one'],
    ['a scale of zero', (one) => ((of(one['hull'])['scales'] as number[])[3] = 0), 'scale of its hull'],
    ['a point cut short', (one) => (one['points'] as number[][])[7]?.pop(), 'points without its descriptors'],
    ['a weight that is no number', (one) => ((of(one['latency'])['weights'] as unknown[])[2] = null), 'one weight for each'],
    ['a cost below zero', (one) => Object.assign(of(of(one['energy'])['roofline']), { nodes: -1 }), 'cost that is not known'],
    ['no length scale', (one) => Object.assign(of(of(one['energy'])['parameters']), { lengthScale: 0 }), 'length scale'],
    ['no calibration', (one) => delete of(one['energy'])['calibration'], 'errors that an interval could stand on'],
    [
      'scores out of order',
      (one) => (of(of(of(one['energy'])['calibration'])['inside'])['sorted'] as number[]).reverse(),
      'errors that',
    ],
    ['a boundary of its own', (one) => Object.assign(of(one['card']), { boundary: 'Rack' }), 'boundary Rack'],
    ['no quantity', (one) => delete of(one['card'])['quantity'], 'quantity undefined'],
    ['no card', (one) => delete one['card'], 'no card'],
  ])('with %s is refused when it is read, not when it is asked', (_, damage, says) => {
    const artifact = JSON.parse(textOf('raspberry-pi-5-board-pytorch')) as Json;
    damage(artifact);
    expect(() => parsePredictor(JSON.stringify(artifact))).toThrow(PredictorFormatError);
    expect(() => parsePredictor(JSON.stringify(artifact))).toThrow(says);
  });

  it('is named by the folder that holds it', async () => {
    const folderOf = (text: string) => ({ list: async () => ['mine.json'], read: async () => text });
    await expect(loadCatalogue(folderOf('{'))).rejects.toThrow('mine.json: the predictor is not JSON');
  });

  it('with a missing weight is refused', () => {
    const artifact = JSON.parse(textOf('raspberry-pi-5-board-pytorch')) as { energy: { weights: number[] } };
    artifact.energy.weights.pop();
    expect(() => parsePredictor(JSON.stringify(artifact))).toThrow('one weight for each');
  });
});

describe('class keys', () => {
  it('compare known parts only, and name unknown ones', () => {
    expect(matchKeys({ board: 'a', runtime: 'pytorch' }, { board: 'A', runtimeVersion: '1.30.0' })).toEqual({
      mismatches: [],
      unknownParts: [
        'powerMode',
        'governor',
        'runtime',
        'runtimeVersion',
        'executionProvider',
        'threads',
        'spinning',
        'precision',
      ],
    });
  });

  it('compare versions by their minor number and providers without their suffix', () => {
    const card = { runtimeVersion: '1.30', executionProvider: 'cpu', spinning: false };
    expect(
      matchKeys(card, { runtimeVersion: '1.30.2', executionProvider: 'CPUExecutionProvider', spinning: false }).mismatches,
    ).toEqual([]);
    expect(matchKeys(card, { runtimeVersion: '1.31.0', spinning: true }).mismatches).toEqual([
      'runtimeVersion: card 1.30, device 1.31',
      'spinning: card false, device true',
    ]);
  });
});

describe('the catalogue', () => {
  const files = {
    list: async () => [...shipped.map((name) => `${name}.json`), 'README.md'],
    read: async (name: string) => textOf(name.slice(0, -5)),
  };

  it('reads every predictor of a folder', async () => {
    expect((await loadCatalogue(files)).map(({ predictor }) => predictor.name)).toEqual(shipped);
  });

  it('prefers Board, takes what is asked for, and has nothing for a class without data', () => {
    expect(choosePredictor(predictors, { deviceClass: 'raspberry-pi-5' })).toBe(piBoard);
    expect(choosePredictor(predictors, { deviceClass: 'raspberry-pi-5', boundary: 'CoreRail' })).toBe(piCore);
    expect(choosePredictor(predictors, { deviceClass: 'raspberry-pi-5-simulated', boundary: 'CoreRail' })).toBe(piCore);
    expect(choosePredictor(predictors, { deviceClass: 'jetson-nano', boundary: 'CoreRail' })).toBeUndefined();
    expect(predictorsOfClass(predictors, 'generic-x86-64')).toEqual([]);
  });

  it('answers for the predictor’s own key unless a runtime is named', () => {
    const own = reportPrediction(piBoard, analysis, { deviceClass: 'raspberry-pi-5', ...at90 });
    expect(own).toMatchObject({ deviceClass: 'raspberry-pi-5', boundary: 'Board', transferred: false });
    expect(typeof own.latencySeconds).toBe('number');
    const other = reportPrediction(piBoard, analysis, { deviceClass: 'raspberry-pi-5', runtime: 'onnxruntime', ...at90 });
    expect(other.transferred).toBe(true);
    expect(other.key).toEqual({ board: 'raspberry-pi-5', runtime: 'onnxruntime', precision: 'fp32' });
  });

  it('ranks a network among the measured ones and says how far off the predictor was, where both are known', () => {
    const known = reportPrediction(piCore, analysis, { deviceClass: 'raspberry-pi-5', ...at90 });
    const { meanAbsolutePercent, medianAbsolutePercent } = piCore.card.scores.byArchitecture;
    expect(known).toMatchObject({ category: 'ACCEPTABLE', error: { meanAbsolutePercent, medianAbsolutePercent } });
    const strange = reportPrediction(piBoard, analysis, { deviceClass: 'raspberry-pi-5', ...at90 });
    expect(strange).toMatchObject({
      category: null,
      error: { meanAbsolutePercent: piBoard.card.scores.byFamily?.meanAbsolutePercent },
    });
    const other = reportPrediction(piCore, { ...analysis, precision: 'int8' }, { deviceClass: 'raspberry-pi-5', ...at90 });
    expect(other.error).toBeNull();
  });

  it.each(['int8', 'fp16', 'mixed'])('a file of %s is transferred from a predictor of fp32, whoever asks', (precision) => {
    const report = reportPrediction(piCore, { ...analysis, precision }, { deviceClass: 'raspberry-pi-5', ...at90 });
    expect(report).toMatchObject({ transferred: true, mismatches: [`precision: card fp32, device ${precision}`] });
    const { estimate, lower, upper } = report.joulesPerInference;
    expect([estimate / lower, upper / estimate]).toEqual([expect.closeTo(2, 9), expect.closeTo(2, 9)]);
  });
});

describe('conformal intervals', () => {
  const scores = (count: number) =>
    thinScores(
      Array.from({ length: count }, (_, index) => (index + 1) / count),
      200,
    );

  it('take the ⌈(n + 1) · confidence⌉-th smallest score', () => {
    expect(conformalQuantile(scores(99), 90)).toBeCloseTo(90 / 99, 12);
    expect(conformalQuantile(scores(19), 90)).toBeCloseTo(18 / 19, 12);
  });

  it('keep their quantiles when a long list is thinned', () => {
    expect(conformalQuantile(scores(10_000), 90)).toBeGreaterThanOrEqual(0.9);
    expect(conformalQuantile(scores(10_000), 90)).toBeLessThan(0.901);
    expect(scores(10_000).sorted).toHaveLength(200);
  });

  it('promise more width than any score when more is asked than the scores can tell', () => {
    expect(conformalQuantile(scores(9), 95)).toBeGreaterThan(1);
  });

  it('borrow and widen below nineteen scores, and say so', () => {
    const borrowed = halfWidth(scores(100), scores(5), false, 90);
    expect(borrowed.borrowed).toBe(true);
    expect(borrowed.logHalfWidth).toBeGreaterThan(conformalQuantile(scores(100), 90));
    expect(halfWidth(scores(100), scores(5), true, 90).borrowed).toBe(false);
  });
});
