// Grouped folds: rows of one group never stand on both sides. Deterministic for a seed.

/** Mulberry32: small, fast, the same everywhere. */
export function randomGenerator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [result[index], result[other]] = [result[other] as T, result[index] as T];
  }
  return result;
}

/** Fold number of each row; groups are dealt largest first to the fold with the fewest rows, ties in random order. */
export function groupedFolds(groups: readonly string[], folds: number, seed: number): number[] {
  const sizes = new Map<string, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const order = shuffled([...sizes.keys()].sort(), randomGenerator(seed)).sort(
    (a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0),
  );
  const counts = Array.from<number>({ length: folds }).fill(0);
  const foldOf = new Map<string, number>();
  for (const group of order) {
    const fold = counts.indexOf(Math.min(...counts));
    foldOf.set(group, fold);
    counts[fold] = (counts[fold] ?? 0) + (sizes.get(group) ?? 0);
  }
  return groups.map((group) => foldOf.get(group) ?? 0);
}
