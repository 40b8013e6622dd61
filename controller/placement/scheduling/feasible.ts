// May this deployment go to, or stay on, this device? The first no is the explanation. Pure.
import type { CandidateVerdict } from '../../../crds/model-deployment.ts';
import { formatMilliseconds, formatPower } from '../../../energy/units.ts';
import { formatQuantity } from '../../../kube/meta/quantity.ts';
import { maximumAssigned } from '../../edge-device/decide-status.ts';
import { compareVersions, selects, untolerated } from './selectors.ts';
import type { DeploymentView, DeviceView, ExistingPlacement, Option } from './types.ts';
import type { DeviceUse } from './usage.ts';

export interface Refusal {
  verdict: CandidateVerdict;
  message: string;
}

/** What the deployment's own words exclude: before anything is predicted. */
export function excluded(deployment: DeploymentView, device: DeviceView): Refusal | undefined {
  if (!selects(deployment.selector, device.labels))
    return { verdict: 'NotSelected', message: 'its labels do not match placement.deviceSelector' };
  const { classNames } = deployment;
  if (classNames.length > 0 && (device.className === undefined || !classNames.includes(device.className)))
    return {
      verdict: 'WrongClass',
      message: `its class is ${device.className ?? 'unknown'}, placement.deviceClassNames allows ${classNames.join(', ')}`,
    };
  return undefined;
}

/** What keeps a new placement away; `serves` are those that only lose what they have for a stronger reason. */
export function refusedByDevice(
  deployment: DeploymentView,
  device: DeviceView,
  existing: ExistingPlacement | undefined,
): Refusal | undefined {
  const serves = existing?.occupied === true;
  const taint = untolerated(device.taints, deployment.tolerations, serves);
  if (taint)
    return {
      verdict: 'Tainted',
      message: `taint ${taint.key}${taint.value === undefined ? '' : `=${taint.value}`}:${taint.effect} is not tolerated`,
    };
  if (existing) return lostTooLong(deployment, device);
  if (device.unschedulable) return { verdict: 'Unschedulable', message: 'spec.unschedulable is set' };
  if (!device.ready) return { verdict: 'NotReady', message: device.message ?? 'it is not ready' };
  const needed = deployment.minimumAgentVersion;
  if (needed !== undefined && (device.agentVersion === undefined || compareVersions(device.agentVersion, needed) < 0))
    return {
      verdict: 'AgentTooOld',
      message: `its agent is ${device.agentVersion ?? 'of unknown version'}, requirements.minimumAgentVersion is ${needed}`,
    };
  const { upstreamName } = deployment;
  if (upstreamName !== undefined && !device.upstreams?.includes(upstreamName))
    return {
      verdict: 'NotReady',
      message: `it has no upstream ${upstreamName}: start its agent with --upstream ${upstreamName}=URL`,
    };
  return undefined;
}

function lostTooLong(deployment: DeploymentView, device: DeviceView): Refusal | undefined {
  if (device.lostSeconds === undefined || device.lostSeconds < deployment.failoverSeconds) return undefined;
  return { verdict: 'NotReady', message: `lost for more than failoverSeconds ${deployment.failoverSeconds}` };
}

/** What the device's resources say to an option that is allowed by budget. */
export function refusedByResources(
  deployment: DeploymentView,
  device: DeviceView,
  option: Option & { kind: 'allowed' },
  use: DeviceUse,
): Refusal | undefined {
  if (use.models >= maximumAssigned)
    return {
      verdict: 'Unschedulable',
      message: `it has ${use.models} models, and one device is told of ${maximumAssigned} at most: take one away, or add a device`,
    };
  const limit = deployment.p95LatencyMilliseconds;
  const latency = option.latencySeconds;
  if (limit !== undefined && latency && latency.lower * 1000 > limit)
    return {
      verdict: 'LatencyExceeded',
      message: `predicted at least ${formatMilliseconds(latency.lower)} > p95LatencyMilliseconds ${limit}`,
    };
  if (device.memoryBytes !== undefined && use.memoryBytes + option.memoryBytes > device.memoryBytes)
    return { verdict: 'InsufficientMemory', message: describeRoom(option.memoryBytes, use.memoryBytes, device.memoryBytes) };
  if (device.storageBytes !== undefined && use.storageBytes + option.storageBytes > device.storageBytes)
    return { verdict: 'InsufficientStorage', message: describeRoom(option.storageBytes, use.storageBytes, device.storageBytes) };
  return refusedByCap(device, option, use);
}

function describeRoom(needed: number, used: number, all: number): string {
  return `needs ${formatQuantity(needed)}, ${formatQuantity(Math.max(0, all - used))} of ${formatQuantity(all)} is free`;
}

/** A cap packs like a CPU request: idle once, plus what every model adds, upper bounds added linearly (energy.md). */
function refusedByCap(device: DeviceView, option: Option & { kind: 'allowed' }, use: DeviceUse): Refusal | undefined {
  const cap = device.powerCapWatts;
  if (cap === undefined) return undefined;
  if (device.idleWatts === undefined)
    return {
      verdict: 'PowerCapExceeded',
      message: `it has a cap of ${formatPower(cap)} and an unknown idle power: set idlePower on its class`,
    };
  if (option.marginalWatts === undefined)
    return {
      verdict: 'PowerCapExceeded',
      message: `it has a cap of ${formatPower(cap)}, and the model's power there is unknown: declare load.requestRate, or calibrate the class`,
    };
  const total = device.idleWatts + use.marginalWatts + option.marginalWatts.upper;
  if (total <= cap) return undefined;
  return {
    verdict: 'PowerCapExceeded',
    message: `${formatPower(total)} with this model (idle ${formatPower(device.idleWatts)}, others ${use.marginalWatts === 0 ? 'none' : formatPower(use.marginalWatts)}) > cap ${formatPower(cap)}`,
  };
}

/**
 * What serves leaves only a cap that is exceeded for certain, by lower bounds: numbers that moved a little, as a recalibration moves
 * them, are no reason, and neither is what is not known.
 */
export function certainlyOverCap(device: DeviceView, option: Option & { kind: 'allowed' }, use: DeviceUse): Refusal | undefined {
  const { powerCapWatts: cap, idleWatts } = device;
  if (cap === undefined || idleWatts === undefined || option.marginalWatts === undefined) return undefined;
  const least = idleWatts + use.leastWatts + option.marginalWatts.lower;
  if (least <= cap) return undefined;
  return {
    verdict: 'PowerCapExceeded',
    message: `at least ${formatPower(least)} with this model (idle ${formatPower(idleWatts)}, others at least ${formatPower(use.leastWatts)}) > cap ${formatPower(cap)}`,
  };
}
