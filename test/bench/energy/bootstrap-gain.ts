// Whether one way beats another for certain: a bootstrap over what was tested.
import { randomGenerator } from '../../../energy/prediction/training/folds.ts';
import { quantile } from '../../../energy/prediction/training/scores.ts';

const draws = 2000;
const bootstrapSeed = 1;

/** What one architecture or network saved in all, over so many tests of it. */
export interface Saving {
  saved: number;
  count: number;
}

/** 90 % interval of what is saved per test; what was tested is drawn with replacement. */
export function gainInterval(savings: readonly Saving[]): [number, number] {
  const random = randomGenerator(bootstrapSeed);
  const gains = Array.from({ length: draws }, () => {
    let [saved, count] = [0, 0];
    for (let draw = 0; draw < savings.length; draw += 1) {
      const picked = savings[Math.floor(random() * savings.length)];
      saved += picked?.saved ?? 0;
      count += picked?.count ?? 0;
    }
    return saved / Math.max(1, count);
  }).sort((a, b) => a - b);
  return [quantile(gains, 0.05), quantile(gains, 0.95)];
}

export function signed(value: number, decimals: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(decimals)}`;
}
