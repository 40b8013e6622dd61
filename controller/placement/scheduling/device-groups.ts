// Devices that only their names tell apart. A fleet has few such groups, so that what would be asked of ten thousand devices is
// asked once for each group. Pure.
import { addKey, removeKey } from '../../../kube/cache/sorted-keys.ts';
import type { DeploymentView, DeviceView } from './types.ts';
import type { DeviceUse, Usage } from './usage.ts';

export interface DeviceGroup {
  readonly key: string;
  /** One that speaks for all, but for its name and for why it is not ready. */
  readonly sample: DeviceView;
  readonly use: DeviceUse;
  /** Sorted. A device that is regrouped leaves, or comes. */
  readonly names: readonly string[];
}

export class DeviceGroups {
  readonly #usage: Usage;
  readonly #devices: ReadonlyMap<string, DeviceView>;
  readonly #labelKeys: ReadonlySet<string>;
  readonly #names = new Map<string, string[]>();
  readonly #groupOf = new Map<string, string>();

  constructor(devices: ReadonlyMap<string, DeviceView>, deployments: readonly DeploymentView[], usage: Usage) {
    this.#usage = usage;
    this.#devices = devices;
    this.#labelKeys = labelKeysOf(deployments);
    for (const device of devices.values()) this.#add(device);
  }

  list(): DeviceGroup[] {
    return [...this.#names].flatMap(([key, names]) => {
      const sample = this.#devices.get(names[0] ?? '');
      return sample ? [{ key, sample, use: this.#usage.of(sample.name), names }] : [];
    });
  }

  /** The usage of this device has changed. */
  regroup(device: DeviceView): void {
    removeKey(this.#names, this.groupOf(device.name), device.name);
    this.#add(device);
  }

  /** The key of its group. */
  groupOf(deviceName: string): string {
    return this.#groupOf.get(deviceName) ?? '';
  }

  #add(device: DeviceView): void {
    const { models, memoryBytes, storageBytes, marginalWatts } = this.#usage.of(device.name);
    // Where nothing limits it, what is used of it tells nothing apart.
    const use = [
      models,
      device.memoryBytes && memoryBytes,
      device.storageBytes && storageBytes,
      device.powerCapWatts && marginalWatts,
    ];
    const group = `${this.#natureOf(device)} ${JSON.stringify(use)}`;
    this.#groupOf.set(device.name, group);
    addKey(this.#names, group, device.name);
  }

  /** All that a decision looks at. */
  #natureOf(device: DeviceView): string {
    const { name: _, message: _message, lostSeconds: _lost, labels, ...nature } = device;
    const asked = Object.entries(labels).filter(([key]) => this.#labelKeys.has(key));
    return JSON.stringify([nature, asked.sort(([a], [b]) => (a < b ? -1 : 1))]);
  }
}

/** Labels that no deployment asks for tell nothing apart: a host name, say, is another one on every device. */
function labelKeysOf(deployments: readonly DeploymentView[]): Set<string> {
  return new Set(
    deployments.flatMap(({ selector, topologyKey }) => [
      ...Object.keys(selector?.matchLabels ?? {}),
      ...(selector?.matchExpressions ?? []).map(({ key }) => key),
      ...(topologyKey === undefined ? [] : [topologyKey]),
    ]),
  );
}
