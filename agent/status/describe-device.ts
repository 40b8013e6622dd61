// What this agent says of its EdgeDevice. Pure.
import type { EdgeDeviceStatus, IdlePowerReading, PowerSourceStatus } from '../../crds/edge-device.ts';
import { productVersion } from '../../crds/product-version.ts';
import type { ClassKeyParts } from '../../crds/shared.ts';
import { formatEnergy, formatPower } from '../../energy/units.ts';
import type { Condition } from '../../kube/api/objects.ts';
import { setCondition } from '../../kube/meta/conditions.ts';
import type { Baseline } from '../measurement/idle-baseline.ts';
import { detectableJoules } from '../measurement/resolution.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import type { PowerSource } from '../power/power-source.ts';
import type { Machine } from '../telemetry/machine.ts';
import type { Health } from '../telemetry/telemetry.ts';

export interface DeviceView {
  generation: number;
  url: string;
  machine: Machine;
  simulated: boolean;
  classKey: ClassKeyParts;
  executionProviders: readonly string[];
  storageBytes: number;
  memoryLimitBytes: number;
  meters: readonly PowerMeter[];
  baselines: readonly { meter: PowerMeter; baseline: Baseline }[];
  cachedDigests: readonly string[];
  health: Health;
}

const maximumDigests = 64;
const mebibyte = 1024 * 1024;

export function describeDevice(view: DeviceView, before: readonly Condition[], now: string): EdgeDeviceStatus {
  let conditions: Condition[] = [...before];
  for (const fact of [powerMeasured(view.meters), ...pressures(view.health)])
    conditions = setCondition(conditions, { ...fact, observedGeneration: view.generation }, now);
  const { machine, health } = view;
  return {
    conditions,
    agentVersion: productVersion,
    addresses: [
      { type: 'OpenInference', url: `${view.url}/v2` },
      { type: 'Metrics', url: `${view.url}/metrics` },
    ],
    ...(machine.boardModel === undefined ? {} : { boardModel: machine.boardModel.slice(0, 128) }),
    architecture: machine.architecture,
    operatingSystem: machine.operatingSystem.slice(0, 128),
    simulated: view.simulated,
    classKey: view.classKey,
    executionProviders: [...view.executionProviders],
    capacity: { memory: wholeMebibytes(machine.memoryBytes), storage: wholeMebibytes(view.storageBytes), cpus: machine.cpus },
    allocatable: { memory: wholeMebibytes(view.memoryLimitBytes), storage: wholeMebibytes(view.storageBytes) },
    powerSources: view.meters.map((meter) => sourceStatus(meter.source)),
    ...(view.baselines.length === 0 ? {} : { idlePower: view.baselines.map(idleReading) }),
    ...(health.batteryPercent === undefined ? {} : { batteryPercent: Math.round(health.batteryPercent / 5) * 5 }),
    ...(health.throttled.length === 0 ? {} : { throttled: [...health.throttled] }),
    cachedDigests: view.cachedDigests.toSorted().slice(0, maximumDigests),
  };
}

/** Steps of a mebibyte: what a scheduler needs, without a write for every page. */
function wholeMebibytes(bytes: number): string {
  return `${Math.floor(bytes / mebibyte)}Mi`;
}

/** What a source can tell from nothing over ten seconds; divided by the inferences in them it is what one may use at least. */
const wholeWindow = { seconds: 10, inferences: 1 };

function sourceStatus(source: PowerSource): PowerSourceStatus {
  const resolution =
    'joules' in source.resolution ? formatEnergy(source.resolution.joules) : formatPower(source.resolution.watts);
  return {
    name: source.name,
    kind: source.kind,
    boundary: source.boundary,
    resolution,
    minimumDetectableEnergy: formatEnergy(detectableJoules(source, wholeWindow)),
    intervalMilliseconds: source.intervalMilliseconds,
  };
}

function idleReading({ meter, baseline }: { meter: PowerMeter; baseline: Baseline }): IdlePowerReading {
  return {
    boundary: meter.source.boundary,
    value: formatPower(baseline.watts),
    source: baseline.source,
    time: new Date(baseline.time).toISOString(),
    ...(baseline.temperatureCelsius === undefined ? {} : { temperatureCelsius: Math.round(baseline.temperatureCelsius) }),
  };
}

type Fact = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Without a source it is Unknown, never fine and never zero. */
function powerMeasured(meters: readonly PowerMeter[]): Fact {
  const type = 'PowerMeasured';
  if (meters.length === 0)
    return {
      type,
      status: 'Unknown',
      reason: 'NoPowerSource',
      message: 'no power source was found on this device; see /debug/sensors for what was looked for',
    };
  const down = meters.filter((meter) => !meter.up && !meter.source.onDemand).map((meter) => meter.source.name);
  const names = meters.map((meter) => `${meter.source.name} (${meter.source.boundary})`).join(', ');
  if (down.length === 0) return { type, status: 'True', reason: 'Succeeded', message: `measured by ${names}` };
  return { type, status: 'False', reason: 'Failed', message: `no answer from ${down.join(', ')}` };
}

function pressures(health: Health): Fact[] {
  const fact = (type: string, is: boolean | undefined, yes: string, no: string): Fact =>
    is === undefined
      ? { type, status: 'Unknown', reason: 'NotMeasuredYet', message: 'this system does not say' }
      : { type, status: is ? 'True' : 'False', reason: is ? `${type}` : 'Succeeded', message: is ? yes : no };
  return [
    fact('MemoryPressure', health.memoryPressure, 'less than a twentieth of the memory is available', 'memory is available'),
    fact('DiskPressure', health.diskPressure, 'less than a twentieth of the artifact disk is free', 'the artifact disk has room'),
    fact('ThermalPressure', health.thermalPressure, 'the board is throttled by heat', 'the board is not throttled by heat'),
    fact(
      'ClockSynchronized',
      health.clockSynchronized,
      'the clock is synchronised',
      'the clock is not synchronised: the times in this status may be wrong',
    ),
  ];
}
