// An agent that speaks the whole protocol and runs no model: joins, beats, follows its assignments, reports what it is told to.
import { Agent, request } from 'undici';
import { beat } from '../../agent/heartbeat/heartbeat.ts';
import { connectionOf, type DeviceIdentity } from '../../agent/identity/device-identity.ts';
import { joinFleet } from '../../agent/identity/join.ts';
import { digestOf } from '../../crds/digest.ts';
import type { EdgeDevice, EdgeDeviceStatus } from '../../crds/edge-device.ts';
import { artifactPath } from '../../crds/join.ts';
import type {
  EnergyReading,
  EnergyTestStatus,
  ModelInstance,
  ModelInstanceStatus,
  RevisionStatus,
  Slot,
  TrafficTestOrder,
} from '../../crds/model-instance.ts';
import { fieldManagers, heartbeat } from '../../crds/names.ts';
import { edgeDevices, modelInstances } from '../../crds/resources.ts';
import { formatEnergy } from '../../energy/units.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import type { Client } from '../../kube/api/client.ts';
import { type ClientOptions, createClient } from '../../kube/api/http-client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { Reflector } from '../../kube/cache/reflector.ts';
import { type Clock, systemClock } from '../../kube/runtime/clock.ts';
import { silentLogger } from './silent-logger.ts';

/** How a model behaves on this device. Absent energy: the device has no power source. */
export interface StubModel {
  joules?: { value: number; lower: number; upper: number };
  p95Microseconds?: number;
  errors?: number;
  agreementPermille?: number;
  /** Why it does not load. */
  failure?: { reason: string; message: string };
}

export interface StubAgentOptions {
  name: string;
  /** Joins with this token; without it `client` and an EdgeDevice of this name must be there. */
  joinToken?: string;
  client?: Client;
  deviceClassName?: string;
  status?: Partial<EdgeDeviceStatus>;
  behave?: (slot: Slot) => StubModel;
  /** Fetch every assigned artifact from the device port and check its digest. */
  fetchArtifacts?: boolean;
  heartbeatSeconds?: number;
  clock?: Clock;
  /** Of the client that it makes once it has joined. */
  clientOptions?: Pick<ClientOptions, 'onCall' | 'idleSeconds'>;
}

export interface StubAgent {
  readonly name: string;
  readonly identity?: DeviceIdentity;
  readonly client: Client;
  /** Instances that it was told to run, by `namespace/name`. */
  readonly instances: ReadonlyMap<string, Stored<ModelInstance>>;
  readonly fetched: ReadonlySet<string>;
  /** Reports again, as after a change of behaviour. */
  refresh(): Promise<void>;
  /** No heartbeats from now on; it goes on serving. */
  fallSilent(): void;
  speakAgain(): void;
  stop(): Promise<void>;
}

const noSource = { reason: 'NoPowerSource', message: 'the stub has no power source' };

export async function startStubAgent(options: StubAgentOptions): Promise<StubAgent> {
  const { name, clock = systemClock } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const identity =
    options.joinToken === undefined
      ? undefined
      : await joinFleet(
          {
            name,
            source: { kind: 'JoinToken', token: options.joinToken },
            ...(options.deviceClassName === undefined ? {} : { deviceClassName: options.deviceClassName }),
          },
          signal,
        );
  const client = identity
    ? createClient(connectionOf(identity), { userAgent: `stub-agent/${name}`, ...options.clientOptions })
    : options.client;
  if (!client) throw new Error('a stub agent needs a join token or a client');
  const instances = new Map<string, Stored<ModelInstance>>();
  const fetched = new Set<string>();
  const heart = { beats: true };

  const status: EdgeDeviceStatus = {
    agentVersion: '0.1.0',
    architecture: 'arm64',
    simulated: options.deviceClassName !== undefined,
    ...options.status,
  };
  await client.applyStatus(edgeDevices, { metadata: { name }, status }, { signal, fieldManager: fieldManagers.agent });
  // The product's own heart: what a renewal costs and says here is what it does there.
  const renew: Client['patch'] = async (...call) => {
    if (!heart.beats) throw new Error(`${name} was told to be silent`);
    return client.patch(...call);
  };
  const beating = beat(
    { client: { patch: renew }, clock, logger: silentLogger },
    name,
    options.heartbeatSeconds ?? heartbeat.renewSeconds,
    signal,
  );
  const device = new Reflector<EdgeDevice>({ client, clock, logger: silentLogger }, edgeDevices, { name });
  let work = Promise.resolve();
  device.onChange(({ object }) => {
    work = work.then(() => follow(object)).catch(() => undefined);
  });
  const watching = device.run(signal);

  async function follow(object: Stored<EdgeDevice>): Promise<void> {
    const assigned = object.status?.assigned ?? [];
    const names = new Set(assigned.map((entry) => `${entry.namespace}/${entry.name}`));
    for (const key of instances.keys()) if (!names.has(key)) instances.delete(key);
    for (const entry of assigned) {
      const key = `${entry.namespace}/${entry.name}`;
      const known = instances.get(key);
      if (known?.metadata.uid === entry.uid && known.metadata.generation === entry.generation) continue;
      await take(key, { namespace: entry.namespace, name: entry.name });
    }
  }

  async function take(key: string, objectKey: { namespace: string; name: string }): Promise<void> {
    try {
      const instance = await (client as Client).get(modelInstances, objectKey, { signal });
      if (options.fetchArtifacts && identity)
        for (const slot of slotsOf(instance)) await fetchArtifact(identity, slot.digest, fetched, signal);
      instances.set(key, instance);
      await report(instance);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function report(instance: Stored<ModelInstance>): Promise<void> {
    const { name: at, namespace, uid } = instance.metadata;
    const metadata = { name: at, uid, ...(namespace === undefined ? {} : { namespace }) };
    const reported = describeInstance(instance, options.behave ?? (() => ({})), new Date(clock.now()).toISOString());
    await (client as Client).applyStatus(
      modelInstances,
      { metadata, status: reported },
      { signal, fieldManager: fieldManagers.agent },
    );
  }

  return {
    name,
    ...(identity === undefined ? {} : { identity }),
    client,
    instances,
    fetched,
    refresh: async () => {
      for (const instance of instances.values()) await report(instance);
    },
    fallSilent: () => {
      heart.beats = false;
    },
    speakAgain: () => {
      heart.beats = true;
    },
    stop: async () => {
      stopping.abort(new Error('stub agent stopped'));
      await Promise.allSettled([beating, watching, work]);
      if (identity) await client.close();
    },
  };
}

function slotsOf({ spec }: ModelInstance): Slot[] {
  return [spec.active, spec.candidate, spec.previous].filter((slot): slot is Slot => slot !== undefined);
}

/** What an agent reports that does everything at once. */
export function describeInstance(
  instance: Stored<ModelInstance>,
  behave: (slot: Slot) => StubModel,
  time: string,
): ModelInstanceStatus {
  const { active, candidate, previous, energyTest } = instance.spec;
  const named = [
    ['Active', active],
    ['Candidate', candidate],
    ['Previous', previous],
  ] as const;
  const seen = new Set<string>();
  const revisions = named.flatMap(([slotName, slot]): RevisionStatus[] => {
    if (!slot || seen.has(slot.revision)) return [];
    seen.add(slot.revision);
    const { failure } = behave(slot);
    const phase = slotName === 'Previous' ? 'Stopped' : failure ? 'Failed' : 'Serving';
    return [
      {
        revision: slot.revision,
        slot: slotName,
        phase,
        ...(failure && phase === 'Failed' ? failure : {}),
        inferences: 0,
        errors: 0,
      },
    ];
  });
  const tested = candidate ?? active;
  const able = tested !== undefined && !behave(tested).failure;
  const base = active && active !== tested ? behave(active).joules?.value : undefined;
  // A test was done when it was done, however often its device says so.
  const timeOf = ({ id }: { id: string }) => instance.status?.tests?.find((test) => test.id === id)?.time ?? time;
  const { trafficTest } = instance.spec;
  const tests = [
    ...(energyTest && able ? [describeTest(energyTest, tested, behave(tested), timeOf(energyTest), base)] : []),
    ...(trafficTest && able ? [describeTraffic(trafficTest, behave(tested), timeOf(trafficTest))] : []),
  ];
  return {
    observedGeneration: instance.metadata.generation ?? 1,
    phase: active ? (behave(active).failure ? 'Failed' : 'Serving') : 'Pending',
    revisions,
    ...(tests.length === 0 ? {} : { tests }),
  };
}

function describeTest(
  order: NonNullable<ModelInstance['spec']['energyTest']>,
  slot: Slot,
  model: StubModel,
  time: string,
  activeJoules: number | undefined,
): EnergyTestStatus {
  const boundary = slot.budget?.boundary ?? 'Board';
  const energy: EnergyReading | undefined = model.joules && {
    value: formatEnergy(model.joules.value),
    lower: formatEnergy(model.joules.lower),
    upper: formatEnergy(model.joules.upper),
    quantity: boundary === 'CoreRail' ? 'Marginal' : 'Active',
    boundary,
    source: 'stub',
    attribution: 'Controlled',
    inferences: 1000,
    time,
  };
  return {
    id: order.id,
    kind: order.kind,
    state: 'Completed',
    windows: order.windows,
    windowsDone: order.windows,
    ...(energy ? { energy } : { energyAbsent: noSource }),
    ...(model.joules && activeJoules !== undefined && order.kind === 'Paired'
      ? { meanLog: Math.log(model.joules.value / activeJoules).toFixed(6), varianceLog: '0.0001' }
      : {}),
    inferences: 1000,
    errors: model.errors ?? 0,
    p95LatencyMicroseconds: model.p95Microseconds ?? 5000,
    startTime: time,
    time,
  };
}

function describeTraffic({ id, minimumInferences }: TrafficTestOrder, model: StubModel, time: string): EnergyTestStatus {
  const errors = model.errors ?? 0;
  const at = (p95: number) => ({ p95LatencyMicroseconds: p95, p95LowerMicroseconds: p95, p95UpperMicroseconds: p95 });
  const agreement = model.agreementPermille;
  return {
    id,
    kind: 'Traffic',
    state: 'Completed',
    windows: minimumInferences,
    windowsDone: minimumInferences,
    inferences: minimumInferences - Math.min(errors, minimumInferences),
    errors,
    ...at(model.p95Microseconds ?? 5000),
    active: { inferences: minimumInferences, errors: 0, ...at(5000) },
    ...(agreement === undefined ? {} : { agreementPermille: agreement, compared: minimumInferences }),
    startTime: time,
    time,
  };
}

/** @throws Error when the bytes are not those of the digest. */
export async function fetchArtifact(
  identity: DeviceIdentity,
  digest: string,
  fetched: Set<string>,
  signal: AbortSignal,
): Promise<Buffer> {
  const agent = new Agent({
    connect: { ca: identity.artifacts.certificateAuthority, cert: identity.certificate, key: identity.key },
  });
  try {
    const response = await request(`${identity.artifacts.url}${artifactPath(digest)}`, { dispatcher: agent, signal });
    const bytes = Buffer.from(await response.body.arrayBuffer());
    if (response.statusCode !== 200)
      throw new Error(`artifact ${digest}: ${response.statusCode} ${bytes.toString('utf8').slice(0, 200)}`);
    const actual = digestOf(bytes);
    if (actual !== digest) throw new Error(`artifact ${digest} has digest ${actual}`);
    fetched.add(digest);
    return bytes;
  } finally {
    await agent.close();
  }
}
