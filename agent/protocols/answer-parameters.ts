// What an answer says beside its tensors: where the time went, and the energy of the model's last measured window.
import type { ServiceAnswer } from '../serving/inference-service.ts';

/** Energy of the last completed window: no sensor measures one request. */
export interface WindowEnergy {
  meanMillijoules: number;
  window: string;
  source: string;
  attribution: 'Controlled' | 'Exclusive' | 'Shared';
}

export function answerParameters(
  answer: Pick<ServiceAnswer, 'queueMicroseconds' | 'modelMicroseconds' | 'latencyMicroseconds'>,
  energy: WindowEnergy | undefined,
): Record<string, number | string> {
  return {
    queue_ms: milliseconds(answer.queueMicroseconds),
    model_ms: milliseconds(answer.modelMicroseconds),
    latency_ms: milliseconds(answer.latencyMicroseconds),
    ...(energy === undefined
      ? {}
      : {
          energy_mean_mj: energy.meanMillijoules,
          energy_window: energy.window,
          energy_source: energy.source,
          energy_attribution: energy.attribution,
        }),
  };
}

const milliseconds = (microseconds: number) => Math.round(microseconds) / 1000;
