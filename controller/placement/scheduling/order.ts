// Which deployment chooses first. Pure and total: equals fall back to names.
import type { DeploymentView, DeviceView, Snapshot } from './types.ts';

/**
 * Higher priority first, older first. Of those that came in the same second, as from one commit, the one first that loses most
 * where it does not get its best kind of device: taken by name, the caps of the good devices would go to whoever needs them least.
 */
export function inOrder(snapshot: Snapshot): DeploymentView[] {
  const samples = [...new Map(snapshot.devices.map((device) => [device.kind, device])).values()];
  const regrets = new Map<string, number>();
  const regretOf = (deployment: DeploymentView) => {
    const known = regrets.get(deployment.uid) ?? regret(snapshot, deployment, samples);
    regrets.set(deployment.uid, known);
    return known;
  };
  return [...snapshot.deployments].sort(
    (a, b) =>
      b.priority - a.priority || compare(a.createdTime, b.createdTime) || regretOf(b) - regretOf(a) || compare(a.key, b.key),
  );
}

/** Watts between the best and the worst kind of device that would do. */
function regret(snapshot: Snapshot, deployment: DeploymentView, samples: readonly DeviceView[]): number {
  if (deployment.frozen) return 0;
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const sample of samples) {
    const option = snapshot.option(deployment, sample);
    if (option.kind !== 'allowed' || !option.marginalWatts) continue;
    least = Math.min(least, option.marginalWatts.estimate);
    most = Math.max(most, option.marginalWatts.estimate);
  }
  return Math.max(0, most - least);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
