import type { Tensor } from '../inference/datatypes.ts';
import type { GoldenSample } from '../serving/golden-set.ts';
import { neutralInputs } from '../serving/golden-set.ts';
import type { ServedModel } from '../serving/served-model.ts';

/** A model under a loop of its own: its golden inputs in turn, or zeros. */
export interface LoadSubject {
  readonly model: ServedModel;
  /** Inputs of the run with this number. */
  inputsAt(run: number): readonly Tensor[];
}

export function loadSubject(model: ServedModel, samples: readonly GoldenSample[]): LoadSubject {
  const neutral = neutralInputs(model.model.inputs);
  return {
    model,
    inputsAt: (run) => (samples.length === 0 ? neutral : (samples[run % samples.length]?.inputs ?? neutral)),
  };
}
