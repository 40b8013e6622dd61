// One case of the suite, and how it ends.
import type { Level } from './deviation.ts';
import type { Target } from './target.ts';

export interface ConformanceCase {
  /** Stable: reports of two servers are compared by it. */
  id: string;
  group: string;
  /** A sentence about the server. */
  title: string;
  level: Level;
  /** @throws Deviation, NotApplicable */
  run: (target: Target) => Promise<void>;
}

/** Cases of one group, written as rows. */
export function groupOf(
  group: string,
  prefix: string,
  rows: readonly (readonly [id: string, level: Level, title: string, run: ConformanceCase['run']])[],
): ConformanceCase[] {
  return rows.map(([id, level, title, run]) => ({ id: `${prefix}.${id}`, group, title, level, run }));
}
