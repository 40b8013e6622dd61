import { toJsonData } from '../../inference/tensor-json.ts';
import type { ServiceAnswer } from '../../serving/inference-service.ts';
import { answerParameters, type WindowEnergy } from '../answer-parameters.ts';
import { classify } from '../classification.ts';
import type { RestRequest } from './infer-request.ts';

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
      parameters: answerParameters(answer, energy),
      outputs,
    }),
  );
  if (binaries.length === 0) return { body: json };
  return { body: Buffer.concat([json, ...binaries]), headerLength: json.length };
}
