// What a benchmark is: one file of this folder that exports `bench`.

export interface BenchOptions {
  /** `--agents 10000` and the like, for the benches that read them. */
  readonly values: Readonly<Record<string, string>>;
  /** A line of progress. */
  note: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface BenchTable {
  /** Above the table; says what was done, on what. */
  caption: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

export interface BenchResult {
  tables: readonly BenchTable[];
  /** What the numbers mean, what disturbs them, which goal is missed and why. */
  remarks: readonly string[];
}

export interface Bench {
  title: string;
  run(options: BenchOptions): Promise<BenchResult>;
}

/** A whole number above 0 from `--NAME N`. @throws Error that names the flag. */
export function countOption({ values }: BenchOptions, name: string, fallback: number): number {
  const text = values[name];
  if (text === undefined) return fallback;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} ${text}: give a whole number above 0`);
  return count;
}
