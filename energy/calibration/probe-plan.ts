// In which order a board's probes are measured, and whether the board stayed the same while they were. Pure.
//
// The anchor, then five probes, the anchor again, and so on. An anchor that moved by more than the gate is measured once more;
// if it stays there, the five probes before it were measured on another board than the first ones: they are measured again,
// once. Each decision follows from what was measured so far, so a run that was killed goes on where it was.

export interface ProbePlan {
  /** Names in the order of measuring, the anchor not among them. */
  probes: readonly string[];
  anchor: string;
  perBlock: number;
  /** 0.03: three percent. */
  driftGate: number;
  /** Go on with probes whose anchors moved twice, and say so. Measures in the same order: it may be said afterwards. */
  acceptDrift: boolean;
}

export interface StepResult {
  probe: string;
  /** Logarithm of the energy, and the variance of its mean; undefined when the probe could not be measured. */
  measured?: { log: number; logVariance: number };
}

export type NextStep =
  | { kind: 'Measure'; probe: string; isAnchor: boolean; block: number; attempt: number }
  | { kind: 'Finished' }
  /** The board moves: what was measured since the last good anchor is worth nothing, twice in a row. */
  | { kind: 'Drifted'; block: number; driftPercent: number; probes: readonly string[] }
  /** The anchor itself cannot be measured. */
  | { kind: 'NoAnchor' };

export interface Progress {
  next: NextStep;
  /** Indices into the results that count: anchors, and the last attempt of each block. */
  accepted: number[];
  /** Log distance of each anchor from the first one. */
  drifts: number[];
  driftAccepted: string[];
  /** Measurements still to come if nothing drifts. */
  remaining: number;
}

const maximumAttempts = 2;
/** A difference within two standard errors is no drift. */
const chanceErrors = 2;

/** Replays what was measured. @throws Error when the results are not those of this plan. */
export function progressOf(plan: ProbePlan, results: readonly StepResult[]): Progress {
  const replay = new Replay(plan, results);
  const next = replay.run();
  const { accepted, drifts, driftAccepted } = replay;
  return { next, accepted, drifts, driftAccepted, remaining: replay.remaining(next) };
}

class Replay {
  readonly accepted: number[] = [];
  readonly drifts: number[] = [];
  readonly driftAccepted: string[] = [];
  readonly #plan: ProbePlan;
  readonly #results: readonly StepResult[];
  readonly #blocks: readonly (readonly string[])[];
  #at = 0;

  constructor(plan: ProbePlan, results: readonly StepResult[]) {
    this.#plan = plan;
    this.#results = results;
    this.#blocks = Array.from({ length: Math.ceil(plan.probes.length / plan.perBlock) }, (_, block) =>
      plan.probes.slice(block * plan.perBlock, (block + 1) * plan.perBlock),
    );
  }

  run(): NextStep {
    const { anchor } = this.#plan;
    const first = this.#take(anchor);
    if (!first) return { kind: 'Measure', probe: anchor, isAnchor: true, block: 0, attempt: 1 };
    const reference = first.result.measured;
    if (!reference) return { kind: 'NoAnchor' };
    this.accepted.push(first.index);
    for (const [block, names] of this.#blocks.entries()) {
      const stopped = this.#block(block, names, reference);
      if (stopped) return stopped;
    }
    return { kind: 'Finished' };
  }

  remaining(next: NextStep): number {
    if (next.kind !== 'Measure') return 0;
    const total = 1 + this.#plan.probes.length + this.#blocks.length;
    const before = next.isAnchor && this.accepted.length === 0 ? 0 : 1 + next.block * (this.#plan.perBlock + 1);
    const names = this.#blocks[next.block] ?? [];
    const within = next.isAnchor ? names.length : names.indexOf(next.probe);
    return total - before - (before === 0 ? 0 : within);
  }

  /** Undefined when the block is done. */
  #block(block: number, names: readonly string[], reference: Measured): NextStep | undefined {
    for (let attempt = 1; ; attempt += 1) {
      const indices: number[] = [];
      for (const probe of names) {
        const taken = this.#take(probe);
        if (!taken) return { kind: 'Measure', probe, isAnchor: false, block, attempt };
        indices.push(taken.index);
      }
      const drift = this.#anchorAfter(block, attempt, reference);
      if (typeof drift === 'object') return drift;
      if (drift !== 0 && attempt < maximumAttempts) continue;
      if (drift !== 0 && !this.#plan.acceptDrift)
        return { kind: 'Drifted', block, driftPercent: 100 * (Math.exp(drift) - 1), probes: names };
      if (drift !== 0) this.driftAccepted.push(...names);
      this.accepted.push(...indices);
      return undefined;
    }
  }

  /** 0 when an anchor is where the first one was, else how far two in a row are from it. */
  #anchorAfter(block: number, attempt: number, reference: Measured): number | NextStep {
    const { anchor, driftGate } = this.#plan;
    let moved = 0;
    for (let tries = 0; tries < 2; tries += 1) {
      const taken = this.#take(anchor);
      if (!taken) return { kind: 'Measure', probe: anchor, isAnchor: true, block, attempt };
      const { measured } = taken.result;
      if (!measured) continue;
      moved = measured.log - reference.log;
      this.drifts.push(moved);
      const chance = chanceErrors * Math.sqrt(measured.logVariance + reference.logVariance);
      if (Math.abs(moved) <= Math.max(driftGate, chance)) {
        this.accepted.push(taken.index);
        return 0;
      }
    }
    return moved === 0 ? { kind: 'NoAnchor' } : moved;
  }

  #take(probe: string): { result: StepResult; index: number } | undefined {
    const index = this.#at;
    const result = this.#results[index];
    if (!result) return undefined;
    if (result.probe !== probe)
      throw new Error(`measurement ${index + 1} is of ${result.probe} where ${probe} was due: it belongs to another plan`);
    this.#at += 1;
    return { result, index };
  }
}

type Measured = NonNullable<StepResult['measured']>;
