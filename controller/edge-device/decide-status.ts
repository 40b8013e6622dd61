// The controller's part of an EdgeDevice's status. Pure.
import type { AssignedInstance, EdgeDevice, EdgeDeviceStatus } from '../../crds/edge-device.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import type { Condition, Stored } from '../../kube/api/objects.ts';
import { findCondition, setCondition } from '../../kube/meta/conditions.ts';
import type { ClassDecision } from './decide-class.ts';
import type { Liveness } from './liveness.ts';

/** What one device's watch event may carry: placement brings no more models to a device. */
export const maximumAssigned = 64;

export interface DeviceFindings {
  liveness: Liveness;
  deviceClass: ClassDecision;
  /** Instances that name this device. */
  instances: readonly Stored<ModelInstance>[];
}

type ControllerStatus = Pick<EdgeDeviceStatus, 'conditions' | 'deviceClassName' | 'assigned'>;

export function describeDevice(device: Stored<EdgeDevice>, findings: DeviceFindings, now: string): ControllerStatus {
  const before = findCondition(device.status?.conditions, 'Ready');
  const next = { type: 'Ready', ...judgeReady(findings, before), observedGeneration: device.metadata.generation ?? 1 };
  const deviceClassName = findings.deviceClass.kind === 'class' ? findings.deviceClass.name : undefined;
  const assigned = assignedTo(findings.instances, device.status?.assigned ?? []);
  return {
    conditions: setCondition(before ? [before] : [], next, now),
    ...(deviceClassName === undefined ? {} : { deviceClassName }),
    ...(assigned.length === 0 ? {} : { assigned }),
  };
}

function judgeReady(
  { liveness, deviceClass }: DeviceFindings,
  before: Condition | undefined,
): Pick<Condition, 'status' | 'reason' | 'message'> {
  if (liveness.kind === 'neverSeen')
    return { status: 'False', reason: 'AgentNotJoined', message: 'no agent has sent a heartbeat under this name' };
  if (liveness.kind === 'silent')
    return {
      status: 'Unknown',
      reason: 'AgentUnreachable',
      message: `no heartbeat since ${liveness.lastRenewal}; what it serves goes on there`,
    };
  if (liveness.kind === 'unproven' && !liveness.recentByItsClock && before && before.status !== 'True')
    return { status: before.status, reason: before.reason, message: before.message };
  if (deviceClass.kind === 'none') return { status: 'False', reason: 'NoDeviceClass', message: deviceClass.message };
  return { status: 'True', reason: 'AgentReady', message: 'the agent sends heartbeats' };
}

/**
 * In the order of names, so that the same instances make the same list. Instances without a slot have nothing to run yet. Where there
 * are too many, those that are listed stay: a device stops what is no longer listed, whatever the newcomer's name is.
 */
function assignedTo(instances: readonly Stored<ModelInstance>[], listed: readonly AssignedInstance[]): AssignedInstance[] {
  const known = new Set(listed.map(({ uid }) => uid));
  const rank = ({ uid }: AssignedInstance) => (known.has(uid) ? 0 : 1);
  const byName = (a: AssignedInstance, b: AssignedInstance) =>
    a.namespace === b.namespace ? compare(a.name, b.name) : compare(a.namespace, b.namespace);
  return instances
    .filter((instance) => instance.metadata.deletionTimestamp === undefined)
    .filter(({ spec }) => spec.active !== undefined || spec.candidate !== undefined || spec.previous !== undefined)
    .map(({ metadata }) => ({
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      uid: metadata.uid,
      generation: metadata.generation ?? 1,
    }))
    .sort((a, b) => rank(a) - rank(b) || byName(a, b))
    .slice(0, maximumAssigned)
    .sort(byName);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
