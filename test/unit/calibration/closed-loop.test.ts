import { describe, expect, it } from 'vitest';
import { evidenceOf } from '../../../controller/calibration/evidence.ts';
import { EvidenceLog } from '../../../controller/calibration/evidence-log.ts';
import { learn as learnFrom, type Uncalibrated } from '../../../controller/calibration/learn.ts';
import { calibrationKey, inForceOf } from '../../../controller/calibration/stored.ts';
import type { CalibrationStatus } from '../../../crds/device-class.ts';
import type { EnergyReading, EnergyTestStatus, ModelInstance, Slot } from '../../../crds/model-instance.ts';
import { calibratedPrediction, networksForTransfer } from '../../../energy/calibration/calibrated-prediction.ts';
import type { Prediction } from '../../../energy/prediction/prediction.ts';
import { judgePrediction } from '../../../energy/prediction/verdict.ts';
import { formatEnergy } from '../../../energy/units.ts';
import type { Stored } from '../../../kube/api/objects.ts';

/** 100 mJ ÷ and × 1.2, as trained. */
function trained(fields: Partial<Prediction> = {}): Prediction {
  return {
    predictor: 'pi-board@1',
    boundary: 'Board',
    quantity: 'Active',
    joulesPerInference: { estimate: 0.1, lower: 0.1 / 1.2, upper: 0.12, confidencePercent: 90 },
    inDomain: true,
    transferred: false,
    mismatches: [],
    unknownParts: [],
    method: 'roofline',
    ...fields,
  };
}

const digest = (network: number) => `sha256:${String(network).padStart(64, '0')}`;

function slot(network: number): Slot {
  return {
    revision: `net-${network}-rev`,
    modelVersionName: `net-${network}`,
    modelVersion: '1',
    variant: 'fp32',
    digest: digest(network),
    size: 1,
  };
}

function reading(joules: number, fields: Partial<EnergyReading> = {}): EnergyReading {
  return {
    value: formatEnergy(joules),
    lower: formatEnergy(joules / 1.02),
    upper: formatEnergy(joules * 1.02),
    quantity: 'Active',
    boundary: 'Board',
    source: 'usb',
    attribution: 'Controlled',
    inferences: 500,
    time: '2026-01-01T00:00:00Z',
    ...fields,
  };
}

function test(network: number, fields: Partial<EnergyTestStatus>): EnergyTestStatus {
  const minute = String(network % 60).padStart(2, '0');
  return {
    id: `net-${network}-rev.abcdef.1`,
    kind: 'Absolute',
    state: 'Completed',
    windows: 6,
    windowsDone: 6,
    time: `2026-01-01T00:${minute}:00Z`,
    ...fields,
  };
}

/** One network on one device with one finished test. */
function instance(network: number, device: string, fields: Partial<EnergyTestStatus>): Stored<ModelInstance> {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelInstance',
    metadata: {
      name: `i-${network}-${device}`,
      namespace: 'factory',
      uid: `u-${network}-${device}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { deviceName: device, deploymentName: `net-${network}`, deploymentUid: `d-${network}`, active: slot(network) },
    status: { tests: [test(network, fields)] },
  };
}

const measured = (network: number, device: string, joules: number) => instance(network, device, { energy: reading(joules) });
const predict = () => trained();
const learn = (before: readonly CalibrationStatus[], instances: readonly Stored<ModelInstance>[], says: Uncalibrated) =>
  learnFrom(before, instances.flatMap(evidenceOf), says);
const count = (entries: readonly CalibrationStatus[], reason: string) =>
  entries[0]?.excluded?.find((entry) => entry.reason === reason)?.count;

/** Twelve networks on two devices, all a quarter dearer than predicted. */
const dearer = Array.from({ length: 12 }, (_, network) =>
  measured(network, `pi-${network % 2}`, 0.125 * (1 + 0.02 * ((network % 3) - 1))),
);

describe('what a fleet measures', () => {
  it('becomes the class’s calibration, and a new version of its predictor', () => {
    const [entry] = learn([], dearer, predict);
    expect(entry).toMatchObject({ predictor: 'pi-board', version: '1.1', samples: 12, networks: 12 });
    expect(Number(entry?.logBias)).toBeGreaterThan(0.15);
    expect(entry?.errorPermille).toBeGreaterThan(0);
  });

  it('moves estimates and their intervals, and verdicts name the version', () => {
    const { key, version } = calibrationKey(trained());
    const prediction = calibratedPrediction(trained(), inForceOf(learn([], dearer, predict), key, version));
    expect(prediction.predictor).toBe('pi-board@1.1');
    expect(prediction.joulesPerInference.estimate).toBeGreaterThan(0.115);
    expect(prediction.joulesPerInference.estimate).toBeLessThan(0.128);
    const judged = (one: Prediction) => judgePrediction({ budgetJoules: 0.121, boundary: 'Board', prediction: one });
    expect(judged(trained()).verdict).toBe('WithinBudget');
    expect(judged(prediction).verdict).toBe('Uncertain');
    expect(judged(prediction).message).toContain('pi-board@1.1');
  });

  it('teaches little of networks whose graphs were read without running: their estimates are too high', () => {
    const overstated = () =>
      trained({ joulesPerInference: { estimate: 0.2, lower: 0.2 / 2.4, upper: 0.24, confidencePercent: 90 } });
    const graphs = Array.from({ length: 4 }, (_, network) => measured(network, 'pi-0', 0.11));
    const bias = (says: Uncalibrated) => Number(learn([], graphs, says)[0]?.logBias);
    const run = () => trained({ joulesPerInference: { estimate: 0.2, lower: 0.2 / 1.2, upper: 0.24, confidencePercent: 90 } });
    expect(Math.abs(bias(overstated))).toBeLessThan(Math.abs(bias(run)) / 2);
  });

  it('is learned once: the same world twice changes nothing', () => {
    const once = learn([], dearer, predict);
    expect(learn(once, dearer, predict)).toBe(once);
  });

  it('is learned the same over a restart in between', () => {
    const first = learn([], dearer.slice(0, 6), predict);
    const restored = JSON.parse(JSON.stringify(first)) as CalibrationStatus[];
    const more = [...dearer, measured(20, 'pi-0', 0.12)];
    expect(learn(restored, more, predict)).toEqual(learn(first, more, predict));
    expect(learn(restored, more, predict)[0]?.samples).toBe(13);
  });

  it('does not make a version that nobody could tell from the last', () => {
    const before = learn([], dearer, predict);
    const joules = 0.1 * Math.exp(Number(before[0]?.logBias));
    const after = learn(before, [...dearer, measured(30, 'pi-0', joules)], predict);
    expect(after[0]?.samples).toBe(13);
    expect(after[0]?.version).toBe(before[0]?.version);
    expect(after[0]?.logBias).toBe(before[0]?.logBias);
  });

  it('begins anew with another version of the predictor', () => {
    const before = learn([], dearer, predict);
    expect(inForceOf(before, 'pi-board', '2').revision).toBe(0);
    const [entry] = learn(before, [measured(1, 'pi-0', 0.1)], () => trained({ predictor: 'pi-board@2' }));
    expect(entry).toMatchObject({ predictor: 'pi-board', version: '2.1', samples: 1, networks: 1 });
  });

  it('stays bounded, and what has left the list of the seen does not come again', () => {
    const many = Array.from({ length: 400 }, (_, network) =>
      instance(network, `pi-${network}`, {
        energy: reading(0.1),
        time: new Date(Date.UTC(2026, 0, 1, 0, network)).toISOString(),
      }),
    );
    const [entry] = learn([], many, predict);
    expect(entry?.measurements).toHaveLength(48);
    expect(entry?.seen).toHaveLength(128);
    expect(learn(entry ? [entry] : [], many, predict)[0]?.samples).toBe(400);
  });
});

describe('a measurement teaches nothing', () => {
  const alone = (fields: Partial<EnergyTestStatus>, says = trained()) => learn([], [instance(1, 'pi-0', fields)], () => says);

  it('of a throttled board', () => {
    const entries = alone({ energy: reading(0.2), throttled: ['soft-temperature-limit'] });
    expect(entries[0]).toMatchObject({ samples: 0, version: '1' });
    expect(count(entries, 'Throttled')).toBe(1);
  });

  it('at another boundary than the predictor’s', () => {
    expect(count(alone({ energy: reading(0.1, { boundary: 'Module' }) }), 'BoundaryMismatch')).toBe(1);
  });

  it('of another quantity', () => {
    expect(count(alone({ energy: reading(0.1, { quantity: 'Marginal' }) }), 'BoundaryMismatch')).toBe(1);
  });

  it('below what the meter resolves', () => {
    expect(count(alone({ energyAbsent: { reason: 'BelowResolution', message: '' } }), 'BelowResolution')).toBe(1);
  });

  it('while it is shared with other models, or its test is not over', () => {
    const shared = instance(1, 'pi-0', { state: 'Running', energy: reading(0.1) });
    const status = {
      ...shared.status,
      revisions: [{ revision: 'net-1-rev', slot: 'Active', phase: 'Serving', energy: reading(0.1, { attribution: 'Shared' }) }],
    };
    expect(learn([], [{ ...shared, status } as Stored<ModelInstance>], predict)).toEqual([]);
  });

  it('where nothing predicts it', () => {
    expect(learn([], dearer, () => undefined)).toEqual([]);
  });
});

describe('a meter that is off by a factor of ten', () => {
  it('is quarantined, counted, and moves no prediction', () => {
    const before = learn([], dearer, predict);
    const wrong = Array.from({ length: 5 }, (_, index) => measured(40 + index, 'pi-bad', 1.25));
    const [entry] = learn(before, [...dearer, ...wrong], predict);
    expect(entry?.quarantined).toEqual([expect.objectContaining({ session: 'pi-bad/usb', rejected: 5 })]);
    expect(count(entry ? [entry] : [], 'Quarantined')).toBe(5);
    expect(entry).toMatchObject({ version: before[0]?.version, logBias: before[0]?.logBias, samples: 12 });
  });
});

describe('an exclusive reading of operation', () => {
  const serving = (time: string): Stored<ModelInstance> => {
    const { status: _, ...rest } = instance(1, 'pi-0', {});
    return {
      ...rest,
      status: {
        revisions: [
          { revision: 'net-1-rev', slot: 'Active', phase: 'Serving', energy: reading(0.11, { attribution: 'Exclusive', time }) },
        ],
      },
    };
  };

  it('counts once a day', () => {
    const first = learn([], [serving('2026-01-01T08:00:00Z')], predict);
    expect(first[0]?.samples).toBe(1);
    expect(learn(first, [serving('2026-01-01T09:00:00Z')], predict)).toBe(first);
    expect(learn(first, [serving('2026-01-02T08:00:00Z')], predict)[0]?.samples).toBe(2);
  });
});

describe('a transferred predictor', () => {
  const transferred = () =>
    trained({
      transferred: true,
      mismatches: ['runtime: card pytorch, device onnxruntime'],
      joulesPerInference: { estimate: 0.1, lower: 0.05, upper: 0.2, confidencePercent: 90 },
    });
  const calibrated = (networks: number) => {
    const instances = Array.from({ length: networks }, (_, network) => measured(network, 'pi-0', 0.13));
    const { key, version } = calibrationKey(transferred());
    return calibratedPrediction(transferred(), inForceOf(learn([], instances, transferred), key, version));
  };

  it('keeps its own calibration', () => {
    expect(calibrationKey(transferred()).key).toMatch(/^pi-board\/transferred-/);
  });

  it('stays transferred, ÷ and × 2 at least, until enough networks were measured', () => {
    const { joulesPerInference, transferred: flag } = calibrated(networksForTransfer - 1);
    expect(flag).toBe(true);
    expect(joulesPerInference.upper / joulesPerInference.estimate).toBeGreaterThanOrEqual(2);
    expect(calibrated(networksForTransfer).transferred).toBe(false);
  });
});

describe('the log of evidence', () => {
  it('keeps what a candidate has shown after it was taken away', () => {
    const log = new EvidenceLog();
    const tested = measured(1, 'pi-0', 0.2);
    expect(log.record(tested)).toBe(true);
    const { active: _, ...spec } = tested.spec;
    expect(log.record({ ...tested, spec, status: {} })).toBe(false);
    expect(learnFrom([], log.of(new Set(['pi-0'])), predict)[0]?.samples).toBe(1);
    expect(log.of(new Set(['pi-1']))).toEqual([]);
  });

  it('stays bounded', () => {
    const log = new EvidenceLog();
    for (let network = 0; network < 5000; network += 1) log.record(measured(network, 'pi-0', 0.1));
    expect(log.of(new Set(['pi-0'])).length).toBe(4096);
  });
});
