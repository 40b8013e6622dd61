import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClassTotals, type GraphFeatures, nodeClasses } from '../../../energy/graph/analysis.ts';
import { parsePredictor, predict } from '../../../energy/prediction/predictor.ts';
import { rooflineAmounts, rooflineTerms } from '../../../energy/prediction/quantities.ts';
import { evaluateRoofline, fitRoofline } from '../../../energy/prediction/roofline.ts';
import { cellRows } from '../../../energy/prediction/training/cell-rows.ts';
import { nestedCoverage } from '../../../energy/prediction/training/coverage.ts';
import { outOfFold } from '../../../energy/prediction/training/cross-validation.ts';
import { fitLogModel } from '../../../energy/prediction/training/fit.ts';
import { groupedFolds, randomGenerator } from '../../../energy/prediction/training/folds.ts';
import { scoresOf } from '../../../energy/prediction/training/scores.ts';
import { artifactText } from '../../../energy/prediction/training/ship.ts';
import { parseTable } from '../../../energy/prediction/training/table.ts';
import { familyOf, timmRows } from '../../../energy/prediction/training/timm-rows.ts';
import { type TrainingPlan, trainPredictor } from '../../../energy/prediction/training/train.ts';
import type { TrainingRow } from '../../../energy/prediction/training/training-row.ts';

/** A made-up network: amounts per class drawn over two orders of magnitude. */
function madeUpFeatures(random: () => number): GraphFeatures {
  const draw = (low: number, high: number) => low * (high / low) ** random();
  const classes = Object.fromEntries(
    nodeClasses.map((name): [string, ClassTotals] => {
      const present = random() < 0.6;
      const arithmetic = /conv|depthwise|grouped|gemm|matmul/.test(name);
      return [
        name,
        {
          nodes: present ? Math.ceil(draw(1, 60)) : 0,
          macs: present && arithmetic ? draw(1e7, 1e9) : 0,
          bytes: present ? draw(1e5, 1e7) : 0,
          weightBytes: present && arithmetic ? draw(1e5, 1e7) : 0,
          outputElements: present ? draw(1e4, 1e6) : 0,
        },
      ];
    }),
  ) as GraphFeatures['classes'];
  const sum = (key: keyof ClassTotals) => Object.values(classes).reduce((total, entry) => total + entry[key], 0);
  const [macs, bytes, nodes] = [sum('macs'), sum('bytes') + sum('weightBytes'), sum('nodes')];
  return {
    classes,
    macs,
    bytes,
    nodes,
    parameters: sum('weightBytes') / 4,
    peakActivationBytes: bytes / 10,
    initializerBytes: sum('weightBytes'),
    depth: nodes,
    largestActivationBytes: bytes / 20,
    transcendentalBytes: 0,
    transcendentalNodes: 0,
    fusedActivations: 0,
    smallNodes: 0,
    roofline: { b2: Math.max(macs / 2, bytes), b8: Math.max(macs / 8, bytes), b32: Math.max(macs / 32, bytes) },
    occupancy: { t8: macs, t32: macs * 1.5, t128: macs * 3 },
    weightedLog: { channels: 6 + 2 * random(), positions: 8 + 2 * random(), reduction: 8 + 2 * random() },
    macOutputs: sum('outputElements'),
  };
}

const truth = rooflineTerms.map((_, index) =>
  index < 6 ? 0.1 + 0.05 * index : index < 12 ? 0.001 * (index - 5) : index === 14 ? 0.002 : 1e-5,
);

function madeUpRows(count: number, seed: number, options: { noise?: number; offset?: number } = {}): TrainingRow[] {
  const random = randomGenerator(seed);
  return Array.from({ length: count }, (_, index) => {
    const features = madeUpFeatures(random);
    const session = index % 3 === 0 ? 'second' : 'first';
    const noise = 1 + (options.noise ?? 0) * (2 * random() - 1);
    const offset = session === 'second' ? Math.exp(options.offset ?? 0) : 1;
    const joules = evaluateRoofline(truth, rooflineAmounts(features, 1)) * noise * offset;
    return {
      architecture: `network-${index >> 1}`,
      family: `family-${index % 7}`,
      session,
      batch: 1,
      features,
      joules,
      seconds: joules / 5,
      noiseFactor: 1,
    };
  });
}

const plan: TrainingPlan = {
  name: 'made-up',
  version: 3,
  deviceClass: 'made-up',
  key: { board: 'made-up' },
  boundary: 'Board',
  quantity: 'Active',
  referenceSession: 'first',
  assumptions: ['made up'],
  scaleAssumed: false,
  data: [],
  manifest: 'none',
  date: '2026-01-01',
  extractorVersion: 1,
  folds: 3,
  repeats: 1,
  hasFamilies: true,
  hullQuantile: 0.95,
};

describe('the roofline', () => {
  it('finds the costs that made the numbers, and extrapolates by them', () => {
    const rows = madeUpRows(80, 1);
    const roofline = fitRoofline(
      rows.map(({ features }) => rooflineAmounts(features, 1)),
      rows.map(({ joules }) => joules),
    );
    for (const { features, joules } of madeUpRows(20, 2)) {
      const tenfold = rooflineAmounts(features, 1).map((amount) => 10 * amount);
      expect(evaluateRoofline(roofline, tenfold) / (10 * joules)).toBeCloseTo(1, 1);
    }
  });

  it('is not bent by a row that was recorded four times too large', () => {
    const rows = madeUpRows(80, 1);
    const amounts = rows.map(({ features }) => rooflineAmounts(features, 1));
    const wrong = rows.map(({ joules }, index) => (index === 5 ? 4 * joules : joules));
    const roofline = fitRoofline(amounts, wrong);
    const errors = rows.map(({ joules }, index) => Math.abs(evaluateRoofline(roofline, amounts[index] ?? []) / joules - 1));
    expect(Math.max(...errors.filter((_, index) => index !== 5))).toBeLessThan(0.05);
  });
});

describe('folds', () => {
  it('never split a group, and deal rows evenly', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { minLength: 20, maxLength: 80 }), fc.nat(1000), (numbers, seed) => {
        const groups = numbers.map((number) => `group-${number}`);
        const foldOf = groupedFolds(groups, 3, seed);
        const folds = new Map<string, number>();
        for (const [index, group] of groups.entries()) {
          expect(folds.get(group) ?? foldOf[index]).toBe(foldOf[index]);
          folds.set(group, foldOf[index] ?? -1);
        }
        expect(groupedFolds(groups, 3, seed)).toEqual(foldOf);
      }),
    );
  });
});

describe('training', () => {
  it('learns the offset between sessions and predicts for the reference session', () => {
    const rows = madeUpRows(120, 4, { noise: 0.03, offset: 0.08 });
    const { sessionOffsets } = fitLogModel(rows, { target: 'joules', referenceSession: 'first', hullQuantile: 0.95 });
    expect(sessionOffsets.get('first')).toBe(0);
    expect(sessionOffsets.get('second')).toBeCloseTo(0.08, 1);
  });

  it('scores what it has not seen', () => {
    const results = outOfFold(madeUpRows(120, 5, { noise: 0.03 }), {
      target: 'joules',
      referenceSession: 'first',
      hullQuantile: 0.95,
      folds: 4,
      repeats: 1,
      seed: 1,
      groupBy: 'architecture',
    });
    expect(results).toHaveLength(120);
    expect(scoresOf(results).meanAbsolutePercent).toBeLessThan(8);
  });

  it('shows a tested network to nothing that is tested on it: not to the model, not to its interval', () => {
    const rows = madeUpRows(120, 8, { noise: 0.05, offset: 0.08 });
    const tested = 'network-17';
    // Each network has two rows. Had anything seen this one, what is said of it would be another number.
    const wild = rows.map((row) => (row.architecture === tested ? { ...row, joules: 7 * row.joules } : row));
    const options = {
      target: 'joules',
      referenceSession: 'first',
      hullQuantile: 0.95,
      folds: 4,
      repeats: 2,
      seed: 1,
      groupBy: 'architecture',
    } as const;
    const said = (of: readonly TrainingRow[]) =>
      outOfFold(of, options).flatMap(({ row, predicted }) => (row.architecture === tested ? [predicted] : []));
    expect(said(wild)).toEqual(said(rows));
    expect(said(rows)).toHaveLength(4);
    const family = rows.find(({ architecture }) => architecture === tested)?.family;
    const ofFamily = (of: readonly TrainingRow[]) =>
      outOfFold(of, { ...options, groupBy: 'family', folds: 7, repeats: 1 }).flatMap(({ row, predicted }) =>
        row.family === family ? [predicted] : [],
      );
    const wildFamily = rows.map((row) => (row.family === family ? { ...row, joules: 7 * row.joules } : row));
    expect(ofFamily(wildFamily)).toEqual(ofFamily(rows));
    const widths = (of: readonly TrainingRow[]) =>
      nestedCoverage(of, { ...options, repeats: 1, hasFamilies: true, confidencePercent: 90 }).flatMap(({ row, logHalfWidth }) =>
        row.architecture === tested ? [logHalfWidth] : [],
      );
    expect(widths(wild)).toEqual(widths(rows));
    expect(widths(rows)).toHaveLength(2);
  });

  it('writes the same bytes for the same rows, and they can be read and asked', () => {
    const rows = madeUpRows(70, 6, { noise: 0.03 });
    const text = artifactText(trainPredictor(rows, plan));
    expect(artifactText(trainPredictor(rows, plan))).toBe(text);
    const predictor = parsePredictor(text);
    const [row] = rows;
    if (!row) throw new Error('no rows');
    const { joulesPerInference, latencySeconds } = predict(
      predictor,
      row.features,
      { board: 'made-up' },
      { confidencePercent: 90 },
    );
    expect(joulesPerInference.estimate / row.joules).toBeCloseTo(1, 0);
    expect((latencySeconds?.estimate ?? 0) / row.seconds).toBeCloseTo(1, 0);
    expect(predictor.card.scores.byFamily).toBeDefined();
  });

  it('has no scores on unseen families where all networks are of one, and every number of the file is one', () => {
    const rows = madeUpRows(70, 9, { noise: 0.03 }).map((row) => ({ ...row, family: 'only' }));
    const text = artifactText(trainPredictor(rows, plan));
    expect(text).not.toContain('null');
    expect(parsePredictor(text).card.scores.byFamily).toBeUndefined();
  });

  it('never repeats a measured value as a prediction', () => {
    const rows = madeUpRows(90, 7, { noise: 0.05 });
    const predictor = parsePredictor(artifactText(trainPredictor(rows, plan)));
    for (const { features, joules } of rows.slice(0, 30))
      expect(predict(predictor, features, {}, { confidencePercent: 90 }).joulesPerInference.estimate).not.toBeCloseTo(joules, 9);
  });
});

describe('tables', () => {
  it('with a line of the wrong length are refused with its number', () => {
    expect(() => parseTable('a,b\n1,2\n3', 'some.csv')).toThrow('some.csv, line 3: 1 cells');
  });

  it('join measurements with features, and count those without', () => {
    const columns = [
      'c1',
      'c3',
      'ck',
      'dw',
      'dwL',
      'grp',
      'gemm',
      'mm',
      'act',
      'elt',
      'norm',
      'red',
      'pool',
      'soft',
      'resize',
      'layout',
      'noop',
    ];
    const rest =
      'params,by_heavy,n_heavy,fusedact,kb_small,macs,bytes,peak,initb,nodes,depth,maxact,roof2,roof8,roof32,occ8,occ32,occ128,w_co,w_sp,w_k,macts';
    const header = `architecture,input_pixels,${columns.map((name) => `n_${name}`).join()},${rest}`;
    const features = `${header}\nnet,224,${columns.map(() => 1).join()},${rest
      .split(',')
      .map(() => 2)
      .join()}`;
    const boards = [
      'device_class,architecture,input_pixels,session,batch,batch_source,energy_mj_per_inference,latency_ms_per_inference',
      'board,net,224,S,4,inferred,500,100',
      'board,unknown,224,S,1,file name,500,100',
      'other,net,224,S,1,file name,500,100',
    ].join('\n');
    const { rows, without } = timmRows(boards, features, 'board');
    expect(without).toBe(1);
    expect(rows).toMatchObject([{ architecture: 'net', joules: 0.5, seconds: 0.1, batch: 4, noiseFactor: 2 }]);
    expect(rows[0]?.features).toMatchObject({ macs: 2, parameters: 2, classes: { conv1x1: { nodes: 1, macs: 0 } } });
  });

  it('of cells become rows with what each network costs', () => {
    const text = [
      'device_class,runtime,architecture,task,input_shape,latency_ms,core_energy_mj',
      'raspberry-pi-5,onnxruntime,|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|,cifar100,1x3x32x32,1.8,2.6',
    ].join('\n');
    const [row] = cellRows(text);
    expect(row).toMatchObject({ joules: 0.0026, seconds: 0.0018, batch: 1 });
    expect(row?.features.classes.conv3x3.nodes).toBe(1 + 15 + 2);
  });

  it.each([
    ['tf_efficientnet_b1', 'efficientnet'],
    ['ecaresnet26t', 'resnet'],
    ['legacy_seresnext26_32x4d', 'resnet'],
    ['nf_ecaresnet26', 'resnet'],
    ['regnety_040', 'regnet'],
    ['deit_tiny_patch16_224', 'vit'],
    ['xcit_nano_12_p16_224_dist', 'xcit'],
  ])('%s is of the family %s', (architecture, family) => expect(familyOf(architecture)).toBe(family));
});
