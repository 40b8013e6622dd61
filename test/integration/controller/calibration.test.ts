import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../../crds/digest.ts';
import { deviceClasses, modelDeployments, modelInstances, modelVersions } from '../../../crds/resources.ts';
import { analyzeGraph } from '../../../energy/graph/extract/analyze.ts';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { parsePredictor, predict } from '../../../energy/prediction/predictor.ts';
import { formatEnergy } from '../../../energy/units.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { type StubAgent, startStubAgent } from '../../support/stub-agent.ts';

const signal = AbortSignal.timeout(120_000);
const namespace = 'factory';
const className = 'raspberry-pi-5-simulated';
const predictorName = 'raspberry-pi-5-corerail-onnxruntime';
const cell = '|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|';
const key = { board: 'raspberry-pi-5', runtime: 'onnxruntime', executionProvider: 'cpu', threads: 1, spinning: false };
const network = (seed: number) => nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed });

/** One story: a board uses less than its class's predictor says. */
describe('calibration in operation', () => {
  let plane: TestControlPlane;
  let agent: StubAgent;
  let modelStore: string;
  let predicted: number;
  /** Measured ÷ predicted, by model version. */
  const ratios: Record<string, number> = {};

  const deploy = async (seed: number, ratio: number) => {
    const name = `cell-${seed}`;
    ratios[name] = ratio;
    const bytes = network(seed);
    await writeFile(path.join(modelStore, name), bytes);
    const digest = digestOf(bytes);
    const apiVersion = 'jouleops.dev/v1alpha1';
    const variants = [{ name: 'fp32', digest, sources: [{ uri: `store://${name}` }] }];
    const metadata = { name, namespace };
    await plane.client.create(
      modelVersions,
      { apiVersion, kind: 'ModelVersion', metadata, spec: { family: 'nas', version: `${seed}.0.0`, variants } },
      { signal },
    );
    // In the middle of the interval: only a measurement can decide, so one is ordered.
    const budget = {
      energyPerInference: formatEnergy(predicted),
      boundary: 'CoreRail' as const,
      whenExceeded: 'Report' as const,
    };
    const spec = { modelVersionName: name, budget, placement: { replicas: 1 } };
    await plane.client.create(modelDeployments, { apiVersion, kind: 'ModelDeployment', metadata, spec }, { signal });
  };
  const calibration = async () =>
    (await plane.client.get(deviceClasses, { name: className }, { signal })).status?.calibration?.[0];
  const serving = async () => {
    const { items } = await plane.client.list(modelInstances, { namespace, signal });
    return items
      .filter(({ spec }) => spec.active !== undefined)
      .map(({ metadata, spec }) => [metadata.uid, spec.deviceName, spec.active?.revision])
      .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  };

  beforeAll(async () => {
    modelStore = await mkdtemp(path.join(os.tmpdir(), 'jouleops-calibration-'));
    const file = path.join(modelStore, 'probe.onnx');
    await writeFile(file, network(0));
    const { features } = await analyzeGraph(file, { signal });
    const artifact = new URL(`../../../data/predictors/${predictorName}.json`, import.meta.url);
    const predictor = parsePredictor(await readFile(artifact, 'utf8'));
    predicted = predict(predictor, features, { ...key, precision: 'fp32' }, { confidencePercent: 90 }).joulesPerInference
      .estimate;
    plane = await startControlPlane({ modelStoreDirectory: modelStore });
    await plane.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
    await eventually(() => plane.client.get(deviceClasses, { name: 'raspberry-pi-5' }, { signal }), 20);
    agent = await startStubAgent({
      name: 'board',
      joinToken: await plane.controller.mintJoinToken({ validSeconds: 600 }),
      deviceClassName: className,
      status: { classKey: key, powerSources: [{ name: 'stub', kind: 'simulated', boundary: 'CoreRail' }] },
      behave: ({ modelVersionName }) => {
        const value = predicted * (ratios[modelVersionName] ?? 1);
        return { joules: { value, lower: value / 1.01, upper: value * 1.01 } };
      },
      heartbeatSeconds: 0.5,
    });
  });
  afterAll(async () => {
    await agent.stop();
    await plane.close();
    await rm(modelStore, { recursive: true, force: true });
  });

  it('learns from the controlled tests of a rollout, in the class of the device alone', async () => {
    for (const seed of [1, 2, 3, 4]) await deploy(seed, 0.85 + 0.01 * seed);
    await eventually(
      async () => expect(await calibration()).toMatchObject({ predictor: predictorName, samples: 4, networks: 4 }),
      30,
    );
    expect(Number((await calibration())?.logBias)).toBeLessThan(-0.04);
    expect((await plane.client.get(deviceClasses, { name: 'raspberry-pi-5' }, { signal })).status?.calibration).toBeUndefined();
  });

  it('names the new version in verdicts, and moves nothing that serves', async () => {
    await eventually(async () => expect(await serving()).toHaveLength(4), 20);
    const before = await serving();
    const version = (await calibration())?.version;
    expect(version).toMatch(/^1\.\d+$/);
    await eventually(async () => {
      const { status } = await plane.client.get(modelDeployments, { namespace, name: 'cell-1' }, { signal });
      expect(findCondition(status?.conditions, 'BudgetAdmitted')?.message).toContain(`${predictorName}@${version}`);
    }, 20);
    expect(await serving()).toEqual(before);
  });

  it('shows in the API too, where another runtime’s predictor is a transferred one', async () => {
    const answer = await fetch(`${plane.controller.webUrl}/api/predictions/${namespace}/cell-1`);
    const { items } = (await answer.json()) as { items: { deviceClass: string; boundary: string }[] };
    const at = (deviceClass: string, boundary: string) =>
      items.find((item) => item.deviceClass === deviceClass && item.boundary === boundary);
    const version = (await calibration())?.version;
    expect(at(className, 'CoreRail')).toMatchObject({ predictor: `${predictorName}@${version}`, transferred: false });
    expect(at('raspberry-pi-5', 'CoreRail')).toMatchObject({ predictor: `${predictorName}@1`, transferred: false });
    expect(at('raspberry-pi-5', 'Board')).toMatchObject({
      transferred: true,
      mismatches: ['runtime: card pytorch, device onnxruntime'],
    });
    expect(at('generic-arm64', 'Board')).toBeUndefined();
  });

  it('shows error and coverage as metrics', async () => {
    const text = await (await fetch(`${plane.controller.webUrl}/metrics`)).text();
    const labels = `{class="${className}",predictor="${predictorName}"}`;
    expect(text).toContain(`jouleops_predictor_measurements${labels} 4`);
    expect(text).toContain(`jouleops_predictor_absolute_percentage_error_ratio${labels} 0.`);
    expect(text).toContain(`jouleops_predictor_interval_coverage_ratio${labels} `);
  });

  it('counts nothing again after a restart', async () => {
    const before = await calibration();
    await plane.restart();
    await eventually(async () => expect((await fetch(`${plane.controller.webUrl}/readyz`)).status).toBe(200), 20);
    plane.writes();
    await deploy(5, 0.88);
    await eventually(async () => expect((await calibration())?.samples).toBe((before?.samples ?? 0) + 1), 30);
  });

  it('quarantines a meter that says ten times as much, and learns nothing of it', async () => {
    const before = await calibration();
    await deploy(6, 10);
    await eventually(
      async () => expect((await calibration())?.quarantined).toMatchObject([{ session: 'board/stub', rejected: 1 }]),
      30,
    );
    const { samples, logBias, version } = (await calibration()) ?? {};
    expect({ samples, logBias, version }).toEqual({
      samples: before?.samples,
      logBias: before?.logBias,
      version: before?.version,
    });
  });
});
