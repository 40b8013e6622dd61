// What the device's own EdgeDevice object means for what runs here. Pure: the rules that keep models serving.
import type { AssignedInstance, EdgeDevice } from '../../crds/edge-device.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { DesiredInstance } from './desired-state.ts';

export type Assignment =
  /** Nothing that may be acted on was said: go on. */
  | { kind: 'keep'; reason: 'DeviceGone' | 'OtherDevice' | 'NothingSaid'; message: string }
  | { kind: 'act'; read: AssignedInstance[]; stop: DesiredInstance[] };

/**
 * An instance is stopped only because the list of the very EdgeDevice that assigned it no longer names it.
 * @param deviceUid of the EdgeDevice that this device joined as.
 */
export function decideAssignment(
  device: Stored<EdgeDevice> | undefined,
  deviceUid: string,
  known: readonly DesiredInstance[],
): Assignment {
  if (!device) return { kind: 'keep', reason: 'DeviceGone', message: 'the API server has no object of this device' };
  if (device.metadata.uid !== deviceUid)
    return {
      kind: 'keep',
      reason: 'OtherDevice',
      message: `the API server's object of this name has uid ${device.metadata.uid}, this device joined as ${deviceUid}: reset and join it again`,
    };
  const { status } = device;
  const assigned = status?.assigned;
  // The controller leaves an empty list out, so its other fields tell "none" from a status that was lost.
  const hasSpoken = assigned !== undefined || status?.conditions?.some((condition) => condition.type === 'Ready') === true;
  if (!hasSpoken)
    return { kind: 'keep', reason: 'NothingSaid', message: 'no controller has said yet what this device should run' };
  const listed = assigned ?? [];
  const read = listed.filter((entry) => {
    const have = known.find((instance) => sameKey(instance, entry));
    return !have || have.uid !== entry.uid || have.generation < entry.generation;
  });
  const stop = known.filter((instance) => instance.deviceUid === deviceUid && !listed.some((entry) => sameKey(instance, entry)));
  return { kind: 'act', read, stop };
}

function sameKey(a: { namespace: string; name: string }, b: { namespace: string; name: string }): boolean {
  return a.namespace === b.namespace && a.name === b.name;
}
