// Reproducible noise for tests that simulate.
import { randomGenerator } from '../../energy/prediction/training/folds.ts';

/** Uniform on [0, 1), the same for a seed everywhere. */
export function randomFrom(seed: number): () => number {
  return randomGenerator(seed);
}

/** Standard normal (Box and Muller). */
export function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
