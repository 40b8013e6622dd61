// The order in which feasible devices are taken. Pure and total: equal scores fall back to names.
import type { DeploymentView, DeviceView, Option } from './types.ts';
import type { Usage } from './usage.ts';

export interface Choice {
  device: DeviceView;
  option: Option & { kind: 'allowed' };
}

/** Best first. `taken` are the devices that the deployment already has. */
export function rankChoices(
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
