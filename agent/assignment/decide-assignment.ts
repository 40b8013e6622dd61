// What the device's own EdgeDevice object means for what runs here. Pure: the rules that keep models serving.
import type { AssignedInstance, EdgeDevice } from '../../crds/edge-device.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { isEarlier } from '../../kube/cache/resource-version.ts';
import type { DesiredInstance } from './desired-state.ts';

export type Assignment =
  /** Nothing that may be acted on was said: go on. */
  | { kind: 'keep'; reason: 'DeviceGone' | 'OtherDevice' | 'NothingSaid'; message: string }
  | {
      kind: 'act';
      read: AssignedInstance[];
      stop: DesiredInstance[];
      /** Not listed by an API server that went back in time: they run on until they are listed again. */
      hold: DesiredInstance[];
      /** Held, and listed again: from now on the list decides. */
      release: DesiredInstance[];
    };

/**
 * An instance is stopped only because the list of the very EdgeDevice that assigned it no longer names it.
 * A list that is older than one this device has seen already takes nothing away: it comes from a backup that was restored.
 * @param deviceUid of the EdgeDevice that this device joined as.
 * @param seenVersion newest resourceVersion of that object that this device has acted on.
 */
export function decideAssignment(
  device: Stored<EdgeDevice> | undefined,
  deviceUid: string,
  known: readonly DesiredInstance[],
  seenVersion?: string,
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
  const isListed = (instance: DesiredInstance) => listed.some((entry) => sameKey(instance, entry));
  const unlisted = known.filter((instance) => instance.deviceUid === deviceUid && !isListed(instance) && !instance.held);
  const isRestored = seenVersion !== undefined && isEarlier(device.metadata.resourceVersion, seenVersion);
  return {
    kind: 'act',
    read,
    stop: isRestored ? [] : unlisted,
    hold: isRestored ? unlisted : [],
    release: known.filter((instance) => instance.held && isListed(instance)),
  };
}

function sameKey(a: { namespace: string; name: string }, b: { namespace: string; name: string }): boolean {
  return a.namespace === b.namespace && a.name === b.name;
}
