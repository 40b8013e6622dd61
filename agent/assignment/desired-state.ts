// What this device should run, as it was last told, and what it served last: on disk, so that it goes on without any server.
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { EdgeDeviceSpec } from '../../crds/edge-device.ts';
import type { EnergyReading, EnergyTestStatus, ModelInstanceSpec, ModelInstanceStatus, Slot } from '../../crds/model-instance.ts';
import { readJsonFile, writeFileAtomic } from '../disk/atomic-file.ts';
import { type Disk, systemDisk } from '../disk/disk.ts';

export interface DesiredInstance {
  namespace: string;
  name: string;
  uid: string;
  generation: number;
  /** The EdgeDevice whose list assigned it: only that list may take it away again. */
  deviceUid: string;
  spec: ModelInstanceSpec;
  /** A restored API server does not know of it: it runs until it is listed again. */
  held?: true;
  /** The slot that served last: what to start with after a power cut. */
  lastServed?: Slot;
  localRollback?: NonNullable<ModelInstanceStatus['localRollback']>;
  /** With localRollback: nothing serves, though there may be a previous revision. */
  localStop?: boolean;
  /** What controlled loops measured of the revisions in the slots. */
  measured?: { revision: string; energy: EnergyReading }[];
  /** The last two tests: a test that is done is not run again after a restart. */
  tests?: EnergyTestStatus[];
}

/** What the device's own object says of when models may change. */
export interface DeviceSettings {
  hold: boolean;
  maintenanceWindows: NonNullable<EdgeDeviceSpec['maintenanceWindows']>;
}

interface StateFile {
  version: 1;
  device: DeviceSettings;
  /** Newest resourceVersion of the device's own object that was acted on; on disk it may lag behind. */
  seenVersion?: string;
  instances: DesiredInstance[];
}

export class DesiredState {
  readonly #file: string;
  readonly #disk: Disk;
  #state: StateFile = { version: 1, device: { hold: false, maintenanceWindows: [] }, instances: [] };
  /** As it is on disk. */
  #written: StateFile = this.#state;
  #writing: Promise<void> = Promise.resolve();

  constructor(directory: string, disk: Disk = systemDisk) {
    this.#file = path.join(directory, 'desired.json');
    this.#disk = disk;
  }

  async open(): Promise<void> {
    const stored = (await readJsonFile(this.#file, this.#disk)) as { version?: number; instances?: unknown } | undefined;
    if (stored === undefined) return;
    if (stored.version !== 1 || !Array.isArray(stored.instances))
      throw new Error(
        `${this.#file} is of another version of the agent: run that version, or delete the file to be told again what to serve`,
      );
    this.#state = stored as StateFile;
    this.#written = this.#state;
  }

  get instances(): readonly DesiredInstance[] {
    return this.#state.instances;
  }

  get device(): DeviceSettings {
    return this.#state.device;
  }

  get seenVersion(): string | undefined {
    return this.#state.seenVersion;
  }

  /** Kept in memory, and written with the next change: a write to disk for each heartbeat would wear it out. */
  saw(resourceVersion: string): void {
    this.#state = { ...this.#state, seenVersion: resourceVersion };
  }

  get(namespace: string, name: string): DesiredInstance | undefined {
    return instanceOf(this.#state, { namespace, name });
  }

  /** Every digest that a slot refers to: never evicted. */
  pinnedDigests(): Set<string> {
    return new Set(this.#slots().flatMap(digestsOf));
  }

  /** Every revision that a slot refers to: what was measured of others is forgotten. */
  revisions(): Set<string> {
    return new Set(this.#slots().map(({ revision }) => revision));
  }

  /** Every version of a model that a slot refers to. */
  models(): { namespace: string; deployment: string; version: string }[] {
    return this.#state.instances.flatMap((instance) =>
      slotsOf(instance).map(({ modelVersion: version }) => ({
        namespace: instance.namespace,
        deployment: instance.spec.deploymentName,
        version,
      })),
    );
  }

  #slots(): Slot[] {
    return this.#state.instances.flatMap(slotsOf);
  }

  /** @throws what the disk says; then it is as if nothing had been said, so that it is said again, and done. */
  async put(instance: DesiredInstance): Promise<void> {
    await this.#replace(instance, instance);
  }

  /** @throws as `put` */
  async remove(instance: { namespace: string; name: string }): Promise<void> {
    await this.#replace(instance, undefined);
  }

  /** A device that is on hold is so at once, though the disk may be full; what could not be kept is written the next time. */
  async setDevice(device: DeviceSettings): Promise<void> {
    if (isDeepStrictEqual(device, this.#state.device) && isDeepStrictEqual(device, this.#written.device)) return;
    await this.#write({ ...this.#state, device });
  }

  async #replace(key: { namespace: string; name: string }, next: DesiredInstance | undefined): Promise<void> {
    try {
      await this.#write(withInstance(this.#state, key, next));
    } catch (error) {
      // Unless something else has been said of it meanwhile.
      if (instanceOf(this.#state, key) === next) this.#state = withInstance(this.#state, key, instanceOf(this.#written, key));
      throw error;
    }
  }

  /** Writes follow each other, and the last one wins on disk as in memory. */
  async #write(state: StateFile): Promise<void> {
    this.#state = state;
    const next = this.#writing.then(async () => {
      const written = this.#state;
      await writeFileAtomic(this.#file, JSON.stringify(written), 0o644, this.#disk);
      this.#written = written;
    });
    this.#writing = next.catch(() => {});
    await next;
  }
}

function instanceOf({ instances }: StateFile, key: { namespace: string; name: string }): DesiredInstance | undefined {
  return instances.find((instance) => sameKey(instance, key));
}

function withInstance(
  state: StateFile,
  key: { namespace: string; name: string },
  instance: DesiredInstance | undefined,
): StateFile {
  const others = state.instances.filter((other) => !sameKey(other, key));
  return { ...state, instances: instance === undefined ? others : [...others, instance] };
}

function slotsOf({ spec, lastServed }: DesiredInstance): Slot[] {
  return [spec.active, spec.candidate, spec.previous, lastServed].filter((slot) => slot !== undefined);
}

export function digestsOf(slot: Slot): string[] {
  return [
    slot.digest,
    ...(slot.externalData ?? []).map((file) => file.digest),
    ...(slot.goldenSet ? [slot.goldenSet.digest] : []),
  ];
}

function sameKey(a: { namespace: string; name: string }, b: { namespace: string; name: string }): boolean {
  return a.namespace === b.namespace && a.name === b.name;
}
