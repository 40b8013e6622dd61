// USB meters between the supply and the board: everything on that cable.
import type { Probe } from '../node-power.ts';
import type { PowerSource } from '../power-source.ts';
import { beginOrders, continueOrder, wattsOf } from './fnb58-frames.ts';
import { type HidDevice, type HidNode, listHid, type OpenHid } from './hidraw.ts';

export interface UsbMeterDeps {
  open: OpenHid;
  /** Monotonic milliseconds. */
  now: () => number;
}

const id = ({ vendor, product }: Pick<HidNode, 'vendor' | 'product'>) => (vendor << 16) | product;
const models = new Map([
  [id({ vendor: 0x2e3c, product: 0x5558 }), 'FNB58'],
  [id({ vendor: 0x2e3c, product: 0x0049 }), 'FNB48S'],
]);
/** They talk only while they are asked every three milliseconds. */
const tooTalkative = new Map([
  [id({ vendor: 0x0483, product: 0x003a }), 'FNB48'],
  [id({ vendor: 0x0483, product: 0x003b }), 'C1'],
]);
/** A tenth of a milliampere at five volts, the last digit that the meter shows. */
const stepWatts = 5e-4;
const intervalMilliseconds = 1000;
/** It sends every 40 ms. A read that comes right after another finds nothing, which means nothing. */
const silentMilliseconds = 500;
/** What the kernel keeps for us; what came before is lost. */
const bufferedMilliseconds = 2500;

export async function probeUsbMeters(pathSysfs: string, deps: UsbMeterDeps): Promise<Probe> {
  const looked = 'USB meters under /sys/class/hidraw (FNIRSI FNB58, FNB48S)';
  const found: PowerSource[] = [];
  const why: string[] = [];
  for (const node of await listHid(pathSysfs)) {
    const unread = tooTalkative.get(id(node));
    if (unread !== undefined)
      why.push(`${unread} at ${node.file} has to be asked every 3 ms, which would cost more than it tells`);
    const model = models.get(id(node));
    if (model === undefined) continue;
    const denied = tryOpen(node, deps.open);
    const same = found.filter((source) => source.name.startsWith(`usb:${model}`)).length;
    if (denied === undefined) found.push(new UsbMeter(same === 0 ? model : `${model}-${same + 1}`, node, deps));
    else
      why.push(
        `${model} at ${node.file} cannot be opened (${denied}): let the agent's user read and write it with a udev rule, or run as root`,
      );
  }
  if (found.length === 0 && why.length === 0) why.push('none is plugged in');
  return { looked, found, ...(why.length === 0 ? {} : { why: why.join('; ') }) };
}

function tryOpen(node: HidNode, open: OpenHid): string | undefined {
  try {
    open(node).close();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}

/** Integrated by the time at which reports arrive: the meter's own clock is not in them. */
class UsbMeter implements PowerSource {
  readonly name: string;
  readonly kind = 'usb-meter';
  readonly boundary = 'Board';
  readonly resolution = { watts: stepWatts };
  readonly intervalMilliseconds = intervalMilliseconds;
  readonly onDemand = false;
  readonly partial = false;
  readonly notes = ['everything on its cable, the losses of the cable behind it included; damaged reports are left out'];
  readonly #node: HidNode;
  readonly #deps: UsbMeterDeps;
  #device: HidDevice | undefined;
  /** When the last report that counts arrived; undefined before the first. */
  #last: number | undefined;
  #opened = 0;
  #joules = 0;

  constructor(model: string, node: HidNode, deps: UsbMeterDeps) {
    this.name = `usb:${model}`;
    this.#node = node;
    this.#deps = deps;
  }

  read(): ReturnType<PowerSource['read']> {
    try {
      return Promise.resolve({ reading: { kind: 'energy', joules: this.#advance() } });
    } catch (error) {
      this.#close();
      return Promise.reject(error as Error);
    }
  }

  #advance(): number {
    const now = this.#deps.now();
    const device = this.#device ?? this.#begin(now);
    device.write(continueOrder);
    const watts = device.drain().flatMap((report) => wattsOf(report) ?? []);
    if (watts.length === 0) {
      if (now - (this.#last ?? this.#opened) > silentMilliseconds)
        throw new Error(`${this.name} at ${this.#node.file} has said nothing for ${silentMilliseconds} ms`);
      return this.#joules;
    }
    const before = this.#last;
    this.#last = now;
    // What it said first is of before it was asked.
    if (before === undefined) return this.#joules;
    if (now - before > bufferedMilliseconds) throw new Error(`${this.name} was not read for ${Math.round(now - before)} ms`);
    const mean = watts.reduce((sum, value) => sum + value, 0) / watts.length;
    this.#joules += (mean * (now - before)) / 1000;
    return this.#joules;
  }

  #begin(now: number): HidDevice {
    const device = this.#deps.open(this.#node);
    this.#device = device;
    this.#opened = now;
    this.#last = undefined;
    for (const begin of beginOrders) device.write(begin);
    return device;
  }

  #close(): void {
    const device = this.#device;
    this.#device = undefined;
    try {
      device?.close();
    } catch {
      // unplugged: there is nothing left to close
    }
  }
}
