// Models that are released in a chaos run, and what each of them is really like on each class: the truth that verdicts must find.
import type { StubModel } from '../stub-agent.ts';

export const classNames = ['raspberry-pi-5-simulated', 'jetson-nano-simulated'] as const;
export type ClassName = (typeof classNames)[number];

const good: StubModel = { joules: { value: 0.03, lower: 0.029, upper: 0.031 } };
const flaws: readonly StubModel[] = [
  { joules: { value: 0.12, lower: 0.115, upper: 0.125 } },
  // Far below the budget, and ten percent more than what serves.
  { joules: { value: 0.0333, lower: 0.0328, upper: 0.0338 } },
  { ...good, errors: 100 },
  { ...good, p95Microseconds: 20_000 },
  { failure: { reason: 'LoadFailed', message: 'the graph has an operator that this engine does not know' } },
];

export interface Release {
  name: string;
  /** Absent: it is as good as the others there. */
  flaw: Partial<Record<ClassName, StubModel>>;
}

/** The first is good everywhere, so that every device has something to go back to. */
export function drawReleases(count: number, random: () => number): Release[] {
  return Array.from({ length: count }, (_, index): Release => {
    const name = `cell-${index + 1}`;
    if (index === 0 || (index > 1 && random() < 0.4)) return { name, flaw: {} };
    const flaw = flaws[Math.floor(random() * flaws.length)] ?? good;
    const [one, other] = classNames;
    // The second is flawed everywhere: every run has something to reject.
    const where = index === 1 ? 1 : random();
    if (where < 0.25) return { name, flaw: { [one]: flaw } };
    if (where < 0.5) return { name, flaw: { [other]: flaw } };
    return { name, flaw: { [one]: flaw, [other]: flaw } };
  });
}

export function behaviourOf(releases: readonly Release[], modelVersionName: string, className: ClassName): StubModel {
  return releases.find(({ name }) => name === modelVersionName)?.flaw[className] ?? good;
}
