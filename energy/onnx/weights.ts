// Where a built network's weights come from: a seeded generator, or ConstantOfShape nodes that make a file of a few kilobytes.

export type Weights =
  | { kind: 'random'; seed: number }
  /** Every element of a tensor of at least `minimumElements` is the same small number, made when the model is loaded. */
  | { kind: 'constant'; seed: number; minimumElements: number };

/**
 * Uniform numbers in [0, 1): xorshift32 after a multiplicative spread of the seed (Marsaglia, "Xorshift RNGs", 2003).
 * Integer operations only, so every machine draws the same numbers.
 */
export function createGenerator(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Half-width of He's uniform initialisation: it keeps the variance through ReLU layers. Correctly rounded, unlike log and cos. */
export function heLimit(fanIn: number): number {
  return Math.sqrt(6 / fanIn);
}

/** `count` float32 numbers, uniform in [low, high). */
export function uniformFloats(next: () => number, count: number, low: number, high: number): Float32Array {
  return Float32Array.from({ length: count }, () => low + (high - low) * next());
}
