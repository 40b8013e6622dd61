// The one number with its interval: what a predictor says of a graph on a device class.

/** Widest first. */
export const boundaries = ['Board', 'Module', 'Package', 'CoreRail'] as const;
export type Boundary = (typeof boundaries)[number];
export type Quantity = 'Active' | 'Marginal';

/** The parts that decide what a predictor was made for. A part that a card does not know matches anything and is named. */
export interface ClassKey {
  board?: string;
  powerMode?: string;
  governor?: string;
  runtime?: string;
  /** Minor version: `1.30`. */
  runtimeVersion?: string;
  executionProvider?: string;
  threads?: number;
  spinning?: boolean;
  precision?: string;
}

export interface Estimate {
  estimate: number;
  lower: number;
  upper: number;
}

export interface Prediction {
  /** `raspberry-pi-5-board-pytorch@1` */
  predictor: string;
  boundary: Boundary;
  quantity: Quantity;
  joulesPerInference: Estimate & { confidencePercent: number };
  /** Absent when the predictor's table has no latency. */
  latencySeconds?: Estimate;
  inDomain: boolean;
  /** A key part differs from the card's: the interval is widened and the verdict is at best Uncertain. */
  transferred: boolean;
  /** "runtime: card pytorch, device onnxruntime" … */
  mismatches: string[];
  /** Key parts that the card or the device does not know. */
  unknownParts: string[];
  method: string;
}
