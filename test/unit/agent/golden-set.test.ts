import { expect, it } from 'vitest';
import type { EngineModel } from '../../../agent/inference/engine.ts';
import { InferenceError } from '../../../agent/inference/errors.ts';
import { type GoldenSample, runGoldenSet } from '../../../agent/serving/golden-set.ts';
import type { Slot } from '../../../crds/model-instance.ts';

it('a golden sample that does not fit the model is named', async () => {
  const sample: GoldenSample = { inputs: [], outputs: [], label: 0 };
  let asked = 0;
  const model = {
    infer: () => {
      asked++;
      if (asked === 2) return Promise.reject(new InferenceError('invalid', 'input x has shape [3]; the model takes [1, 4]'));
      return Promise.resolve({ outputs: [], queueMicroseconds: 0, transferMicroseconds: 0, modelMicroseconds: 0 });
    },
  } as Partial<EngineModel> as EngineModel;
  const run = runGoldenSet(model, {} as Slot, [sample, sample, sample], new AbortController().signal);
  await expect(run).rejects.toThrow('golden sample 2 of 3: input x has shape [3]; the model takes [1, 4]');
});
