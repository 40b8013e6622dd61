// How a case ends when it does not pass.

/** `required`: the protocol's text demands it. `advised`: the text leaves it open, and clients count on it. */
export type Level = 'required' | 'advised';

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
