// One interface for everything that can say how much power this device draws.
import type { Boundary } from '../../crds/shared.ts';

export type SourceKind =
  | 'ina3221'
  | 'ina2xx'
  | 'hwmon'
  | 'rapl'
  | 'pmic'
  | 'battery'
  | 'nvidia-smi'
  | 'usb-meter'
  | 'external'
  /** Only with --simulate. */
  | 'simulated';

export type Reading =
  /** Average or momentary power. */
  | { kind: 'power'; watts: number }
  /** A counter; it starts again at 0 after `wrapJoules`. */
  | { kind: 'energy'; joules: number; wrapJoules?: number };

/** A part of a source that has a series of its own and is never added to the total. */
export interface Rail {
  name: string;
  watts: number;
}

export interface PowerSource {
  /** Unique on the device: `ina3221:VDD_IN`. */
  readonly name: string;
  readonly kind: SourceKind;
  readonly boundary: Boundary;
  /** Smallest step of a reading; of watts for power, of joules for counters. */
  readonly resolution: { watts: number } | { joules: number };
  readonly intervalMilliseconds: number;
  /** Read only while a controlled loop runs: a read costs too much to go on with. */
  readonly onDemand: boolean;
  /** Covers only a part of its boundary: never the node's total, and no budget is compared with it. */
  readonly partial: boolean;
  /** Remarks for /debug/sensors: the shunt that scales everything, what the boundary leaves out. */
  readonly notes: readonly string[];
  read(signal: AbortSignal): Promise<{ reading: Reading; rails?: readonly Rail[] }>;
}
