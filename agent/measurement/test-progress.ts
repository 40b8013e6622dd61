// What a controlled loop has measured so far. It outlives a look: the next look adds windows to these, it does not begin again.
import type { WindowResult } from './load-window.ts';
import type { Quad } from './test-result.ts';

export interface TestProgress {
  /** ISO 8601. */
  startTime: string;
  windows: WindowResult[];
  quads: Quad[];
  /** Windows that were begun, undisturbed or not. */
  tried: number;
  spentJoules: number;
  /** Reasons seen at the edges of the windows that count. */
  throttled: Set<string>;
}

/** After a restart of the agent the windows are gone, but what they cost still counts against the maximum. */
export function beginProgress(startTime: string, before: { tried: number; spentJoules: number } = { tried: 0, spentJoules: 0 }) {
  return { startTime, windows: [], quads: [], throttled: new Set(), ...before } satisfies TestProgress as TestProgress;
}

/** Enough for a p95 of all windows together; a window of a fast model has many times as many, and all are kept until the last look. */
const keptLatencies = 1000;

/** The window with evenly chosen latencies: each window weighs the same. */
export function thinned(window: WindowResult): WindowResult {
  const all = window.latenciesMicroseconds;
  if (all.length <= keptLatencies) return window;
  const step = all.length / keptLatencies;
  const latenciesMicroseconds = Array.from({ length: keptLatencies }, (_, at) => all[Math.floor(at * step)] ?? 0);
  return { ...window, latenciesMicroseconds };
}
