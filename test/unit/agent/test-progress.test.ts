import { expect, it } from 'vitest';
import { thinned } from '../../../agent/measurement/test-progress.ts';

it('keeps a thousand latencies of a window, evenly chosen, and its counts as they are', () => {
  const latenciesMicroseconds = Array.from({ length: 20_000 }, (_, at) => at);
  const kept = thinned({ seconds: 10, inferences: 25_000, errors: 3, latenciesMicroseconds, joules: 7 });
  expect(kept).toMatchObject({ seconds: 10, inferences: 25_000, errors: 3, joules: 7 });
  expect(kept.latenciesMicroseconds).toHaveLength(1000);
  expect(kept.latenciesMicroseconds.toSorted((a, b) => a - b)[949]).toBe(18_980);
  const few = { seconds: 10, inferences: 2, errors: 0, latenciesMicroseconds: [5, 6] };
  expect(thinned(few)).toBe(few);
});
