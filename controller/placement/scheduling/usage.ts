import type { Option } from './types.ts';

export interface DeviceUse {
  memoryBytes: number;
  storageBytes: number;
  /** Upper bounds of all models placed there. */
  marginalWatts: number;
  /** Lower bounds: what they draw for certain. */
  leastWatts: number;
  models: number;
}

/** What every device carries so far in one pass: assumed placements count before any API server has heard of them. */
export class Usage {
  readonly #byDevice = new Map<string, DeviceUse>();

  of(deviceName: string): DeviceUse {
    return this.#byDevice.get(deviceName) ?? { memoryBytes: 0, storageBytes: 0, marginalWatts: 0, leastWatts: 0, models: 0 };
  }

  assume(deviceName: string, cost: { memoryBytes: number; option: Option }): void {
    const use = this.of(deviceName);
    const { marginalWatts: watts, storageBytes = 0 } = cost.option.kind === 'allowed' ? cost.option : {};
    this.#byDevice.set(deviceName, {
      memoryBytes: use.memoryBytes + cost.memoryBytes,
      storageBytes: use.storageBytes + storageBytes,
      marginalWatts: use.marginalWatts + (watts?.upper ?? 0),
      leastWatts: use.leastWatts + (watts?.lower ?? 0),
      models: use.models + 1,
    });
  }
}
