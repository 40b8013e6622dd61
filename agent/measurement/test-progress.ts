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
