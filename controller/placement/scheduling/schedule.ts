// The placement decision for the whole fleet: snapshot in, one decision per deployment out. Pure and deterministic.
import { counted } from '../../../kube/meta/counted.ts';
import { DeviceGroups } from './device-groups.ts';
import { certainlyOverCap, excluded, type Refusal, refusedByDevice, refusedByResources } from './feasible.ts';
import { type Draft, type Explanation, type Fleet, fillGaps } from './fill-gaps.ts';
import { inOrder } from './order.ts';
import type { DeploymentView, DeviceView, ExistingPlacement, Option, PlacementDecision, Snapshot } from './types.ts';
import { Usage } from './usage.ts';

export function schedule(snapshot: Snapshot): PlacementDecision[] {
  const fleet = { snapshot, byName: new Map(snapshot.devices.map((device) => [device.name, device])), usage: new Usage() };
  // First what is there, so that nothing new pushes out what serves; then the gaps.
  const drafts = inOrder(snapshot).map((deployment) => keepExisting(fleet, deployment));
  const groups = new DeviceGroups(fleet.byName, snapshot.deployments, fleet.usage);
  return drafts.map((draft) => conclude(groups, draft, fillGaps(fleet, groups, draft), snapshot.devices.length));
}

function keepExisting({ snapshot, byName, usage }: Fleet, deployment: DeploymentView): Draft {
  const draft: Draft = { deployment, chosen: [], explained: new Map() };
  const stay: { device: DeviceView; placement: ExistingPlacement; option: Option }[] = [];
  for (const placement of snapshot.existing.get(deployment.uid) ?? []) {
    const device = byName.get(placement.deviceName);
    if (!device) continue;
    const option: Option = deployment.frozen ? unknownOption : snapshot.option(deployment, device);
    const refusal = deployment.frozen ? undefined : refusedToStay(deployment, device, placement, option, usage);
    if (refusal) draft.explained.set(device.name, { refusal, option });
    else stay.push({ device, placement, option });
  }
  // Fewer replicas than before: what serves stays before what does not, then the cheapest.
  const limit = deployment.mode === 'EveryDevice' || deployment.frozen ? stay.length : deployment.replicas;
  const ranked = [...stay].sort(
    (a, b) =>
      Number(b.placement.occupied) - Number(a.placement.occupied) ||
      cheaper(a.option, b.option) ||
      compare(a.device.name, b.device.name),
  );
  for (const [position, { device, placement, option }] of ranked.entries()) {
    if (position >= limit) {
      draft.explained.set(device.name, { option });
      continue;
    }
    usage.assume(device.name, { memoryBytes: option.kind === 'allowed' ? option.memoryBytes : placement.memoryBytes, option });
    draft.chosen.push(device);
    draft.explained.set(device.name, { option, chosen: true });
  }
  return draft;
}

const unknownOption = {
  kind: 'refused',
  verdict: 'Unknown',
  message: 'nothing is decided while the deployment is suspended or its model is unknown',
} satisfies Option;

/** Admission never stops what serves; only selectors, taints, long loss and a cap that is exceeded for certain move it. */
function refusedToStay(
  deployment: DeploymentView,
  device: DeviceView,
  placement: ExistingPlacement,
  option: Option,
  usage: Usage,
): Refusal | undefined {
  const refusal = excluded(deployment, device) ?? refusedByDevice(deployment, device, placement);
  if (refusal) return refusal;
  if (option.kind === 'refused') return placement.occupied ? undefined : { verdict: option.verdict, message: option.message };
  const use = usage.of(device.name);
  return placement.occupied ? certainlyOverCap(device, option, use) : refusedByResources(deployment, device, option, use);
}

function conclude(groups: DeviceGroups, draft: Draft, explanation: Explanation, known: number): PlacementDecision {
  const { deployment } = draft;
  const chosen = draft.chosen.map((device) => device.name).sort(compare);
  const desired = deployment.mode === 'EveryDevice' ? wantedEverywhere(groups, deployment) : deployment.replicas;
  const { candidates, candidateCounts } = explanation;
  const shortfall =
    chosen.length < desired || (deployment.mode === 'EveryDevice' && desired === 0)
      ? describeShortfall(deployment, { chosen: chosen.length, desired, known }, candidateCounts)
      : undefined;
  return {
    deploymentUid: deployment.uid,
    desired,
    chosen,
    candidates,
    candidateCounts,
    ...(shortfall === undefined ? {} : { shortfall }),
  };
}

/** Devices that the deployment's own words include. */
function wantedEverywhere(groups: DeviceGroups, deployment: DeploymentView): number {
  return groups.list().reduce((sum, { sample, names }) => sum + (excluded(deployment, sample) ? 0 : names.length), 0);
}

function describeShortfall(
  deployment: DeploymentView,
  { chosen, desired, known }: Record<'chosen' | 'desired' | 'known', number>,
  counts: Record<string, number>,
): string {
  if (deployment.frozen && chosen === 0) return unknownOption.message;
  const why = Object.entries(counts)
    .filter(([verdict]) => verdict !== 'Chosen')
    .map(([verdict, count]) => `${count} ${verdict}`)
    .join(', ');
  if (known === 0) return 'no device is known: start an agent, it joins by itself';
  const excludedOnly = Object.keys(counts).every((verdict) => verdict === 'NotSelected' || verdict === 'WrongClass');
  if (chosen === 0 && excludedOnly)
    return `no device matches ${describeWanted(deployment)} (${why}): correct the selector or label a device, kubectl label edgedevice NAME KEY=VALUE`;
  return `${chosen} of ${counted(desired, 'device')}: ${why === '' ? 'no other device is known' : why}`;
}

/** What the deployment's own words ask for, as a person would type it. */
function describeWanted({ selector, classNames }: DeploymentView): string {
  const words = [
    ...Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) =>
      values.length === 0 ? `${key} ${operator}` : `${key} ${operator} (${values.join(', ')})`,
    ),
  ];
  return [
    ...(words.length === 0 ? [] : [`placement.deviceSelector ${words.join(', ')}`]),
    ...(classNames.length === 0 ? [] : [`placement.deviceClassNames ${classNames.join(', ')}`]),
  ].join(' and ');
}

function cheaper(a: Option, b: Option): number {
  const cost = (option: Option) =>
    option.kind === 'allowed'
      ? (option.marginalWatts?.estimate ?? option.joules?.estimate ?? Number.MAX_VALUE)
      : Number.MAX_VALUE;
  const difference = cost(a) - cost(b);
  return Number.isNaN(difference) ? 0 : difference;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
