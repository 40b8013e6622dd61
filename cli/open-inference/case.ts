// One case of the suite, and how it ends.
import type { Target } from './target.ts';

/** `required`: the protocol's text demands it. `advised`: the text leaves it open, and clients count on it. */
export type Level = 'required' | 'advised';

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

/** What the server did instead. Its level, where given, replaces the case's. */
export class Deviation extends Error {
  override readonly name = 'Deviation';
  readonly level: Level | undefined;

  constructor(message: string, level?: Level) {
    super(message);
    this.level = level;
  }
}

/** The server, or the models it serves, give this case nothing to look at. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

/** @throws Deviation */
export function expectThat(holds: boolean, otherwise: string | (() => string), level?: Level): asserts holds {
  if (!holds) throw new Deviation(typeof otherwise === 'string' ? otherwise : otherwise(), level);
}

/** Cases of one group, written as rows. */
export function groupOf(
  group: string,
  prefix: string,
  rows: readonly (readonly [id: string, level: Level, title: string, run: ConformanceCase['run']])[],
): ConformanceCase[] {
  return rows.map(([id, level, title, run]) => ({ id: `${prefix}.${id}`, group, title, level, run }));
}
