// One deployment that is told to run one release after the other, and what has to become of each.
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import { modelDeployments } from '../../../crds/resources.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { type ClassName, classNames, type Release } from './releases.ts';

export interface LaneResult {
  rollouts: number;
  rejected: number;
  /** Rollouts that ended otherwise than they had to, or not at all, as sentences. */
  wrong: string[];
  /** What each class serves in the end. */
  stable: Record<ClassName, string>;
}

export interface LaneOptions {
  namespace: string;
  releases: readonly Release[];
  rollouts: number;
  random: () => number;
  /** Told of each rollout that ends. */
  note: (text: string) => void;
}

const endSeconds = 120;

export async function runLane(
  client: Client,
  name: string,
  { namespace, releases, rollouts, random, note }: LaneOptions,
  signal: AbortSignal,
): Promise<LaneResult> {
  const [first] = releases;
  if (!first) throw new Error('there is nothing to release');
  const result: LaneResult = {
    rollouts: 0,
    rejected: 0,
    wrong: [],
    stable: { 'raspberry-pi-5-simulated': first.name, 'jetson-nano-simulated': first.name },
  };
  let current: Release | undefined;
  for (let round = 0; round < rollouts; round++) {
    const others = releases.filter((release) => release !== current);
    const drawn = others[Math.floor(random() * others.length)] ?? first;
    const release = round < 2 ? (releases[round] ?? first) : drawn;
    current = release;
    const flawed = classNames.filter((className) => release.flaw[className] !== undefined);
    const deployment = deploymentOf(namespace, name, release.name);
    const started = systemClock.monotonic();
    await client.apply(modelDeployments, deployment, { signal, fieldManager: 'chaos' });
    const problem = await untilEnd(client, { namespace, name }, release, flawed, signal);
    result.rollouts += 1;
    if (flawed.length > 0) result.rejected += 1;
    const what = `${name}, ${release.name} (flawed on ${flawed.join(', ') || 'none'})`;
    note(`${what}: ${problem ?? 'ended as it must'} after ${((systemClock.monotonic() - started) / 1000).toFixed(1)} s`);
    if (problem) result.wrong.push(`${what}: ${problem}`);
    for (const className of classNames) if (!flawed.includes(className)) result.stable[className] = release.name;
  }
  return result;
}

function deploymentOf(namespace: string, name: string, modelVersionName: string): ModelDeployment {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace },
    spec: {
      modelVersionName,
      budget: { energyPerInference: '80mJ' },
      placement: { mode: 'EveryDevice', deviceSelector: { matchLabels: { lane: name } } },
      rollout: { analysis: {}, steps: [{ devices: 1 }, { percent: 100 }], progressDeadlineSeconds: 3600 },
    },
  };
}

/** Why it has not ended as it must, once the time for it is over. */
async function untilEnd(
  client: Client,
  key: { namespace: string; name: string },
  release: Release,
  flawed: readonly ClassName[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const deadline = systemClock.monotonic() + endSeconds * 1000;
  let problem = 'it was not looked at';
  while (systemClock.monotonic() < deadline) {
    const deployment = await client.get(modelDeployments, key, { signal }).catch(() => undefined);
    const judged = deployment ? judgeEnd(deployment, release, flawed) : { open: 'the API server does not answer' };
    if (judged === 'as it must') return undefined;
    if ('wrong' in judged) return judged.wrong;
    problem = judged.open;
    await systemClock.sleep(100, signal);
  }
  return `not ended within ${endSeconds} s: ${problem}`;
}

type End = 'as it must' | { open: string } | { wrong: string };

export function judgeEnd(
  { metadata, status, spec }: Stored<ModelDeployment>,
  release: Release,
  flawed: readonly ClassName[],
): End {
  const conditions = JSON.stringify(
    status?.conditions?.map(({ type, status: is, reason, message }) => `${type} ${is} ${reason} ${message.slice(0, 200)}`),
  );
  if (spec.modelVersionName !== release.name || status?.observedGeneration !== metadata.generation) return { open: conditions };
  const ready = findCondition(status?.conditions, 'Ready')?.status === 'True';
  const stalled = findCondition(status?.conditions, 'Stalled');
  const rejections = (status?.rejectedRevisions ?? []).filter(({ revision }) => revision === status?.currentRevision);
  const rejected = rejections.map(({ deviceClassName }) => deviceClassName).sort();
  const unjust = rejections.find(({ deviceClassName }) => !flawed.some((className) => className === deviceClassName));
  if (unjust) return { wrong: `rejected on ${unjust.deviceClassName}, where it is good: ${unjust.message}` };
  if (ready)
    return flawed.length > 0 ? { wrong: 'Ready, though it must be rejected' } : (historyOf(status, 'Succeeded') ?? 'as it must');
  if (stalled?.status !== 'True') return { open: conditions };
  if (stalled.reason !== 'RevisionRejected') return { wrong: `stalled: ${stalled.reason}: ${stalled.message}` };
  if (rejected.join() !== [...flawed].sort().join()) return { open: `rejected on ${rejected.join()} so far; ${conditions}` };
  return historyOf(status, 'Rejected') ?? 'as it must';
}

function historyOf(status: ModelDeployment['status'], outcome: string): { wrong: string } | undefined {
  const entry = status?.history?.find(({ revision }) => revision === status.currentRevision);
  return entry?.outcome === outcome ? undefined : { wrong: `history says ${entry?.outcome}, not ${outcome}` };
}
