// The placement decision as it reads in words: every deployment asks every device by name. What the scheduler is held against.
import {
  certainlyOverCap,
  excluded,
  type Refusal,
  refusedByDevice,
  refusedByResources,
} from '../../../controller/placement/scheduling/feasible.ts';
import { inOrder } from '../../../controller/placement/scheduling/order.ts';
import type {
  DeploymentView,
  DeviceView,
  ExistingPlacement,
  Option,
  Snapshot,
} from '../../../controller/placement/scheduling/types.ts';
import { Usage } from '../../../controller/placement/scheduling/usage.ts';

interface Explained {
  option?: Option;
  refusal?: Refusal;
  chosen?: boolean;
}

interface Choice {
  device: DeviceView;
  option: Option & { kind: 'allowed' };
}

interface Draft {
  deployment: DeploymentView;
  /** By device name. */
  existing: Map<string, ExistingPlacement>;
  kept: DeviceView[];
  added: Choice[];
  explained: Map<string, Explained>;
}

/** @returns what is said of each device, and the order in which they are chosen, by deployment. */
export function scheduleDeviceByDevice(snapshot: Snapshot) {
  const usage = new Usage();
  const drafts = inOrder(snapshot).map((deployment): Draft => {
    const existing = new Map((snapshot.existing.get(deployment.uid) ?? []).map((placement) => [placement.deviceName, placement]));
    return { deployment, existing, kept: [], added: [], explained: new Map() };
  });
  // First what is there, so that nothing new pushes out what serves; then the gaps.
  for (const draft of drafts) keepExisting(snapshot, draft, usage);
  for (const draft of drafts) fillGaps(snapshot, draft, usage);
  return drafts.map(({ deployment, kept, added, explained }) => ({
    deploymentUid: deployment.uid,
    chosen: [...kept, ...added.map((choice) => choice.device)].map(({ name }) => name).sort(compare),
    explained,
  }));
}

function keepExisting(snapshot: Snapshot, draft: Draft, usage: Usage): void {
  const { deployment } = draft;
  const stay: { device: DeviceView; placement: ExistingPlacement; option: Option }[] = [];
  for (const device of snapshot.devices) {
    const placement = draft.existing.get(device.name);
    if (!placement) continue;
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
    draft.kept.push(device);
    draft.explained.set(device.name, { option, chosen: true });
  }
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

function fillGaps(snapshot: Snapshot, draft: Draft, usage: Usage): void {
  const { deployment } = draft;
  if (deployment.frozen) return;
  const feasible: Choice[] = [];
  for (const device of snapshot.devices) {
    if (draft.explained.has(device.name)) continue;
    const refusal = excluded(deployment, device) ?? refusedByDevice(deployment, device, undefined);
    if (refusal) {
      draft.explained.set(device.name, { refusal });
      continue;
    }
    const option = snapshot.option(deployment, device);
    const resources =
      option.kind === 'allowed'
        ? refusedByResources(deployment, device, option, usage.of(device.name))
        : { verdict: option.verdict, message: option.message };
    draft.explained.set(device.name, { option, ...(resources ? { refusal: resources } : {}) });
    if (!resources && option.kind === 'allowed') feasible.push({ device, option });
  }
  let rest = feasible;
  while (rest.length > 0 && (deployment.mode === 'EveryDevice' || draft.kept.length + draft.added.length < deployment.replicas)) {
    const taken = [...draft.kept, ...draft.added.map((choice) => choice.device)];
    const [best, ...others] = rankChoices(deployment, rest, taken, usage);
    if (!best) return;
    draft.added.push(best);
    draft.explained.set(best.device.name, { option: best.option, chosen: true });
    usage.assume(best.device.name, { memoryBytes: best.option.memoryBytes, option: best.option });
    rest = others;
  }
}

/** Best first. `taken` are the devices that the deployment already has. */
function rankChoices(
  deployment: DeploymentView,
  choices: readonly Choice[],
  taken: readonly DeviceView[],
  usage: Usage,
): Choice[] {
  const domains = new Map<string, number>();
  for (const device of taken) domains.set(domainOf(deployment, device), (domains.get(domainOf(deployment, device)) ?? 0) + 1);
  const crowd = (choice: Choice) =>
    deployment.strategy === 'Spread' ? (domains.get(domainOf(deployment, choice.device)) ?? 0) : 0;
  return [...choices].sort(
    (a, b) =>
      crowd(a) - crowd(b) ||
      cost(a) - cost(b) ||
      usage.of(a.device.name).models - usage.of(b.device.name).models ||
      (a.device.name < b.device.name ? -1 : 1),
  );
}

/** Without a topology key every device is its own domain. */
function domainOf(deployment: DeploymentView, device: DeviceView): string {
  const { topologyKey } = deployment;
  return topologyKey === undefined ? `device ${device.name}` : `domain ${device.labels[topologyKey] ?? ''}`;
}

/**
 * Watts added at the declared load; where that is unknown, joules per inference, and after all known ones the unknown.
 * The two are never mixed within one deployment's ranking by accident: the offset keeps the groups apart.
 */
function cost({ option }: Choice): number {
  const group = 1e9;
  if (option.marginalWatts) return option.marginalWatts.estimate;
  if (option.joules) return group + option.joules.estimate;
  return 2 * group;
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
