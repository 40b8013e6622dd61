// Finds devices for what a deployment is short of, and says what became of all the others. Pure.
import type { DeviceGroup, DeviceGroups } from './device-groups.ts';
import { type Explained, explain } from './explain.ts';
import { excluded, refusedByDevice, refusedByResources } from './feasible.ts';
import { type Choice, Crowds, isBetter } from './score.ts';
import type { DeploymentView, DeviceView, Snapshot } from './types.ts';
import type { Usage } from './usage.ts';

/** One deployment on its way to a decision. */
export interface Draft {
  deployment: DeploymentView;
  chosen: DeviceView[];
  /** What was looked at by name: what is there, and what is chosen. */
  explained: Map<string, Explained>;
}

export type Explanation = ReturnType<typeof explain>;

export interface Fleet {
  snapshot: Snapshot;
  byName: ReadonlyMap<string, DeviceView>;
  usage: Usage;
}

/** Chooses until there are enough, and says what became of every device. */
export function fillGaps(fleet: Fleet, groups: DeviceGroups, draft: Draft): Explanation {
  const { deployment, explained } = draft;
  if (deployment.frozen) return explain(explained, []);
  const judged = groups.list().map((group) => ({ group, ...judge(fleet.snapshot, deployment, group) }));
  if (isShort(draft)) choose(fleet, groups, draft, judged);
  const looked = Map.groupBy(explained.keys(), (name) => groups.groupOf(name));
  const others = judged.map(({ group, ...entry }) => ({
    ...entry,
    count: group.names.length - (looked.get(group.key)?.length ?? 0),
    names: () => freeNames(group.names, explained),
    refusalOf: (name: string) => {
      const device = entry.refusal?.verdict === 'NotReady' ? fleet.byName.get(name) : undefined;
      return (device && refusedByDevice(deployment, device, undefined)) ?? entry.refusal;
    },
  }));
  return explain(explained, others);
}

function isShort({ deployment, chosen }: Draft): boolean {
  return deployment.mode === 'EveryDevice' || chosen.length < deployment.replicas;
}

/** What holds for a new placement on any device of a group. */
function judge(snapshot: Snapshot, deployment: DeploymentView, { sample, use }: DeviceGroup): Explained {
  const refusal = excluded(deployment, sample) ?? refusedByDevice(deployment, sample, undefined);
  if (refusal) return { refusal };
  const option = snapshot.option(deployment, sample);
  const resources =
    option.kind === 'allowed'
      ? refusedByResources(deployment, sample, option, use)
      : { verdict: option.verdict, message: option.message };
  return { option, ...(resources ? { refusal: resources } : {}) };
}

/** The best device of all groups, again and again: within a group it is the first by name. */
function choose(fleet: Fleet, groups: DeviceGroups, draft: Draft, judged: readonly (Explained & { group: DeviceGroup })[]): void {
  const crowds = new Crowds(draft.deployment);
  for (const device of draft.chosen) crowds.take(device);
  const open = judged.flatMap(({ group, option, refusal }) => {
    if (option?.kind !== 'allowed' || refusal) return [];
    const rest = choicesOf(fleet, group, option, draft.explained);
    return [{ rest, next: rest.next().value }];
  });
  while (isShort(draft)) {
    let best: (typeof open)[number] | undefined;
    for (const one of open) if (one.next && (!best?.next || isBetter(one.next, best.next, crowds))) best = one;
    if (!best?.next) return;
    const { device, option } = best.next;
    best.next = best.rest.next().value;
    draft.chosen.push(device);
    draft.explained.set(device.name, { option, chosen: true });
    crowds.take(device);
    fleet.usage.assume(device.name, { memoryBytes: option.memoryBytes, option });
    groups.regroup(device);
  }
}

function* choicesOf(
  { byName }: Fleet,
  { names, use: { models } }: DeviceGroup,
  option: Choice['option'],
  explained: ReadonlyMap<string, Explained>,
): Generator<Choice, undefined> {
  // Of the names as they are now: those that are chosen leave the group.
  for (const name of freeNames([...names], explained)) {
    const device = byName.get(name);
    if (device) yield { device, option, models };
  }
}

function* freeNames(names: readonly string[], explained: ReadonlyMap<string, Explained>): Generator<string, undefined> {
  for (const name of names) if (!explained.has(name)) yield name;
}
