import { encodeElements } from '../../inference/bytes-elements.ts';
import type { Tensor } from '../../inference/datatypes.ts';
import { InferenceError } from '../../inference/errors.ts';
import { numericValues, toJsonData } from '../../inference/tensor-json.ts';
import type { ServiceAnswer } from '../../serving/inference-service.ts';
import type { RestRequest } from './infer-request.ts';

/** Energy of the last completed window: no sensor measures one request. */
export interface WindowEnergy {
  meanMillijoules: number;
  window: string;
  source: string;
  attribution: 'Controlled' | 'Exclusive' | 'Shared';
}

export interface EncodedAnswer {
  body: Buffer;
  /** Length of the JSON part, when binary data follows it. */
  headerLength?: number;
}

export function encodeAnswer(request: RestRequest, answer: ServiceAnswer, energy: WindowEnergy | undefined): EncodedAnswer {
  const binaries: Uint8Array[] = [];
  const outputs = answer.outputs.map((tensor) => {
    const wanted = request.outputs.find((output) => output.name === tensor.name);
    const classes = wanted?.classification ?? (request.outputs.length === 0 ? request.classificationByDefault : undefined);
    const shown = classes === undefined ? tensor : classify(tensor, classes, answer.model.slot.classLabels);
    const head = { name: shown.name, datatype: shown.datatype, shape: shown.shape };
    if (!(wanted?.binary ?? request.binaryByDefault)) return { ...head, data: toJsonData(shown) };
    binaries.push(shown.data);
    return { ...head, parameters: { binary_data_size: shown.data.byteLength } };
  });
  const json = Buffer.from(
    JSON.stringify({
      model_name: answer.name,
      model_version: answer.model.slot.modelVersion,
      ...(request.id === undefined ? {} : { id: request.id }),
      parameters: {
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
      },
      outputs,
    }),
  );
  if (binaries.length === 0) return { body: json };
  return { body: Buffer.concat([json, ...binaries]), headerLength: json.length };
}

const milliseconds = (microseconds: number) => Math.round(microseconds) / 1000;

/** Triton's classification extension: the last dimension becomes k texts `score:index:label`, best first. */
export function classify(tensor: Tensor, count: number, labels: readonly string[] | undefined): Tensor {
  if (tensor.datatype === 'BYTES')
    throw new InferenceError('invalid', `output ${tensor.name} holds texts and cannot be classified`);
  const values = Array.from(numericValues(tensor));
  const width = tensor.shape.at(-1) ?? values.length;
  const kept = Math.min(count, width);
  const elements: Uint8Array[] = [];
  for (let start = 0; start < values.length; start += width) {
    const ranked = values
      .slice(start, start + width)
      .map((score, index) => ({ score, index }))
      .sort((a, b) => b.score - a.score || a.index - b.index);
    for (const { score, index } of ranked.slice(0, kept)) {
      const label = labels?.[index];
      elements.push(Buffer.from(`${score.toFixed(6)}:${index}${label === undefined ? '' : `:${label}`}`));
    }
  }
  return { name: tensor.name, datatype: 'BYTES', shape: [...tensor.shape.slice(0, -1), kept], data: encodeElements(elements) };
}
