// Twenty light agents, each behind lines that can be cut, and what is watched of them all the time.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { DesiredInstance } from '../../../agent/assignment/desired-state.ts';
import type { DeviceIdentity } from '../../../agent/identity/device-identity.ts';
import { joinFleet } from '../../../agent/identity/join.ts';
import type { Route } from '../../../agent/serving/routes.ts';
import type { Slot } from '../../../crds/model-instance.ts';
import type { TestControlPlane } from '../controller.ts';
import { TcpSwitch } from '../tcp-switch.ts';
import { DeviceClock } from './device-clock.ts';
import { LightAgent } from './light-agent.ts';
import { behaviourOf, type ClassName, type Release } from './releases.ts';

export interface Device {
  name: string;
  className: ClassName;
  lane: string;
  clock: DeviceClock;
  /** Damages what arrives. */
  noisyLine: boolean;
  agent: LightAgent | undefined;
  start(): void;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export interface Watch {
  /** What must never happen, as sentences. */
  violations: string[];
  /** Downloads that arrived damaged and were thrown away. */
  refusedDownloads: number;
  /** How often a device began to answer with another revision. */
  swaps: number;
}

export async function startDevice(
  plane: TestControlPlane,
  { name, className, lane }: Pick<Device, 'name' | 'className' | 'lane'>,
  world: { directory: string; releases: readonly Release[]; watch: Watch; random: () => number },
  signal: AbortSignal,
): Promise<Device> {
  const token = await plane.controller.mintJoinToken({ validSeconds: 3600 });
  const joined = await joinFleet({ name, source: { kind: 'JoinToken', token }, deviceClassName: className }, signal);
  const lines = await Promise.all([joined.apiServer.url, joined.artifacts.url].map((url) => openLine(url)));
  const [api, artifacts] = lines as [Line, Line];
  const identity: DeviceIdentity = {
    ...joined,
    apiServer: { ...joined.apiServer, url: api.url },
    artifacts: { ...joined.artifacts, url: artifacts.url },
  };
  const directory = path.join(world.directory, name);
  await mkdir(directory, { recursive: true });
  const desired = new Map<string, DesiredInstance>();
  const device: Device = {
    name,
    className,
    lane,
    clock: new DeviceClock(),
    noisyLine: false,
    agent: undefined,
    start: () => {
      device.agent ??= new LightAgent({
        identity,
        disk: { directory, desired },
        clock: device.clock,
        behave: ({ modelVersionName }) => behaviourOf(world.releases, modelVersionName, className),
        corrupts: () => device.noisyLine && world.random() < 0.5,
        onVerifyFailure: () => {
          world.watch.refusedDownloads += 1;
        },
        onRoute: (route, bytesDigestOf) => judgeRoute(device, route, bytesDigestOf, world),
      });
    },
    cut: () => {
      for (const line of lines) line.cut();
    },
    mend: () => {
      for (const line of lines) line.mend();
    },
    close: async () => {
      await device.agent?.kill();
      await Promise.all(lines.map((line) => line.close()));
    },
  };
  return device;
}

/** Asked whenever requests may begin to go elsewhere. */
export function judgeRoute(
  { name, className }: Pick<Device, 'name' | 'className'>,
  { active, candidate }: Route,
  bytesDigestOf: (slot: Slot) => string | undefined,
  { releases, watch }: { releases: readonly Release[]; watch: Watch },
): void {
  watch.swaps += 1;
  for (const model of [active, candidate])
    if (model && bytesDigestOf(model.slot) !== model.slot.digest)
      watch.violations.push(
        `${name} serves ${model.slot.revision} from bytes ${bytesDigestOf(model.slot)}, not ${model.slot.digest}`,
      );
  const served = active?.slot.modelVersionName;
  if (served !== undefined && releases.find((release) => release.name === served)?.flaw[className] !== undefined)
    watch.violations.push(`${name} serves ${served}, which its class must reject`);
}

type Line = Awaited<ReturnType<typeof openLine>>;

async function openLine(url: string) {
  const far = Number(new URL(url).port);
  const line = await TcpSwitch.start(far);
  return {
    url: `https://127.0.0.1:${line.port}`,
    cut: () => line.plugInto(0),
    mend: () => line.plugInto(far),
    close: () => line.close(),
  };
}
