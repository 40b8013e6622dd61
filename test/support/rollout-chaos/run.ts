// Rollouts on twenty devices while processes die, lines are cut, bytes are damaged and clocks jump.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { digestOf } from '../../../crds/digest.ts';
import { edgeDevices, modelVersions } from '../../../crds/resources.ts';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import { startControlPlane, type TestControlPlane } from '../controller.ts';
import { eventually } from '../eventually.ts';
import { seededRandom } from '../faults/random.ts';
import { untilClassesAreShipped } from '../rollout-world.ts';
import { breakThings, type FaultCounts } from './faults.ts';
import { type Device, startDevice, type Watch } from './fleet.ts';
import { type LaneResult, runLane } from './lane.ts';
import { classNames, drawReleases, type Release } from './releases.ts';

export interface RolloutChaosOptions {
  seed: number;
  /** A deployment each, on devices of its own. */
  lanes: number;
  devicesPerLane: number;
  rolloutsPerLane: number;
  /** Told of each rollout that ends. */
  note: (text: string) => void;
}

export interface RolloutChaosResult extends FaultCounts, Watch {
  seed: number;
  rollouts: number;
  rejected: number;
  wrong: string[];
  /** What a device serves in the end and must not. */
  astray: string[];
  seconds: number;
}

const namespace = 'chaos';
/** Fewer than rollouts: what was rejected or replaced before is asked for again. */
const releaseCount = 8;
const cell = '|nor_conv_1x1~0|+|skip_connect~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|';

/** The same seed draws the same models, the same order of releases and the same faults; how they meet is up to the machine. */
export async function runRolloutChaos(options: RolloutChaosOptions, signal: AbortSignal): Promise<RolloutChaosResult> {
  const { seed, lanes, devicesPerLane, rolloutsPerLane, note } = options;
  const started = performance.now();
  const random = seededRandom(seed);
  const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-rollout-chaos-'));
  const modelStoreDirectory = path.join(directory, 'models');
  const plane = await startControlPlane({ modelStoreDirectory: directory, lostSeconds: 2 });
  const devices: Device[] = [];
  const watch: Watch = { violations: [], refusedDownloads: 0, swaps: 0 };
  try {
    await plane.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
    await untilClassesAreShipped(plane, signal);
    const releases = drawReleases(releaseCount, random);
    await Promise.all(releases.map((release, index) => publish(plane, directory, release, index, signal)));
    const world = { directory: modelStoreDirectory, releases, watch, random: seededRandom(seed + 1) };
    for (let index = 0; index < lanes * devicesPerLane; index++) {
      const lane = `lane-${index % lanes}`;
      const className = classNames[Math.floor(index / lanes) % classNames.length] ?? classNames[0];
      const name = `device-${String(index).padStart(2, '0')}`;
      const device = await startDevice(plane, { name, className, lane }, world, signal);
      devices.push(device);
      await plane.client.patch(
        edgeDevices,
        { name },
        { kind: 'merge', body: { metadata: { labels: { lane } } } },
        { signal, fieldManager: 'chaos' },
      );
      device.start();
    }
    const storm = new AbortController();
    const breaking = breakThings(devices, plane, seededRandom(seed + 2), storm.signal);
    const results = await Promise.all(
      Array.from({ length: lanes }, (_, index) =>
        runLane(
          plane.client,
          `lane-${index}`,
          { namespace, releases, rollouts: rolloutsPerLane, random: seededRandom(seed + 10 + index), note },
          signal,
        ),
      ),
    ).finally(() => storm.abort());
    const counts = await breaking;
    const astray = await eventually(async () => mustBeSettled(devices, results), 60, 200).catch((error: Error) => [
      error.message,
    ]);
    const sum = (of: (result: LaneResult) => number) => results.reduce((total, result) => total + of(result), 0);
    return {
      seed,
      ...counts,
      ...watch,
      rollouts: sum((result) => result.rollouts),
      rejected: sum((result) => result.rejected),
      wrong: results.flatMap((result) => result.wrong),
      astray,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await Promise.all(devices.map((device) => device.close()));
    await plane.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function publish(
  plane: TestControlPlane,
  directory: string,
  { name }: Release,
  index: number,
  signal: AbortSignal,
): Promise<void> {
  const bytes = nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed: index + 1 });
  await writeFile(path.join(directory, name), bytes);
  const digest = digestOf(bytes);
  const spec = {
    family: 'cell',
    version: `${index + 1}.0.0`,
    variants: [{ name: 'fp32', digest, sources: [{ uri: `store://${name}` }] }],
  };
  const version = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelVersion', metadata: { name, namespace }, spec };
  await plane.client.create(modelVersions, version, { signal });
}

/** Once all is mended, every device answers with what its class has accepted last, and with nothing beside it. */
async function mustBeSettled(devices: readonly Device[], results: readonly LaneResult[]): Promise<string[]> {
  const astray = devices.flatMap(({ name, className, lane, agent }) => {
    const expected = results[Number(lane.slice('lane-'.length))]?.stable[className];
    const served = agent?.routes
      .list()
      .map(({ active, candidate }) => [active, candidate].map((model) => model?.slot.modelVersionName ?? '-').join(' beside '));
    return served?.join() === `${expected} beside -` ? [] : [`${name} serves ${served?.join()}, not ${expected} alone`];
  });
  if (astray.length > 0) throw new Error(astray.join('; '));
  return await Promise.resolve([]);
}
