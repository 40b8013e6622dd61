// The order in which feasible devices are taken. Pure and total: equal scores fall back to names.
import type { DeploymentView, DeviceView, Option } from './types.ts';

export interface Choice {
  device: DeviceView;
  option: Option & { kind: 'allowed' };
  /** On the device already. */
  models: number;
}

/** How many devices of each domain a deployment has already; only those that spread over a topology count. */
export class Crowds {
  readonly #topologyKey: string | undefined;
  readonly #counts = new Map<string, number>();

  constructor({ strategy, topologyKey }: Pick<DeploymentView, 'strategy' | 'topologyKey'>) {
    // Without a topology key every device is its own domain, and none is taken twice.
    this.#topologyKey = strategy === 'Spread' ? topologyKey : undefined;
  }

  take(device: DeviceView): void {
    if (this.#topologyKey !== undefined) this.#counts.set(this.#domainOf(device), this.of(device) + 1);
  }

  of(device: DeviceView): number {
    return this.#counts.get(this.#domainOf(device)) ?? 0;
  }

  #domainOf({ labels }: DeviceView): string {
    return this.#topologyKey === undefined ? '' : (labels[this.#topologyKey] ?? '');
  }
}

export function isBetter(a: Choice, b: Choice, crowds: Crowds): boolean {
  const order =
    crowds.of(a.device) - crowds.of(b.device) ||
    cost(a) - cost(b) ||
    a.models - b.models ||
    (a.device.name < b.device.name ? -1 : 1);
  return order < 0;
}

/**
 * Watts added at the declared load; where that is unknown, joules per inference, and after all known ones the unknown.
 * The two are never mixed within one deployment's ranking by accident: the offset keeps the groups apart.
 */
function cost({ option }: Choice): number {
  const group = 1e9;
  if (option.marginalWatts) return option.marginalWatts.estimate;
  if (option.joules) return group + option.joules.estimate;
  return 2 * group;
}
