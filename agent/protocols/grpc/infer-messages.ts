// ModelInfer's messages and what they mean to the service.
import type { Tensor } from '../../inference/datatypes.ts';
import { InferenceError } from '../../inference/errors.ts';
import { tensorHead } from '../../inference/tensor-json.ts';
import type { ServiceAnswer } from '../../serving/inference-service.ts';
import { answerParameters, type WindowEnergy } from '../answer-parameters.ts';
import { classify } from '../classification.ts';
import { checkRaw } from '../raw-data.ts';
import type { InferParameter, InferTensor, ModelInferRequest, ModelInferResponse } from './messages.ts';
import { contentsOf, dataFromContents, toNumber } from './tensor-contents.ts';

const invalid = (message: string) => new InferenceError('invalid', message);
const maximumTensors = 256;

export interface GrpcInference {
  name: string;
  version?: string;
  inputs: Tensor[];
  outputs: { name: string; classification?: number }[];
  /** The answer comes as the request did: raw, or as typed contents. */
  raw: boolean;
  classificationByDefault?: number;
  timeoutMicroseconds?: number;
}

/** @throws InferenceError invalid, which names what does not fit. */
export function readInferRequest(request: ModelInferRequest): GrpcInference {
  const { modelName, modelVersion, inputs, outputs, rawInputContents: rawContents } = request;
  if (modelName === '') throw invalid('model_name is missing');
  if (inputs.length === 0) throw invalid('inputs is empty: the tensors that the model takes are needed');
  if (inputs.length > maximumTensors || outputs.length > maximumTensors)
    throw invalid(`a request may name at most ${maximumTensors} inputs and as many outputs`);
  const raw = rawContents.length > 0;
  if (raw && rawContents.length !== inputs.length)
    throw invalid(`raw_input_contents has ${rawContents.length} entries for ${inputs.length} inputs: one each, in their order`);
  const classification = classificationOf(request.parameters, 'parameters');
  const timeout = integerOf(request.parameters['timeout']);
  if (request.parameters['timeout'] && !(timeout !== undefined && timeout > 0))
    throw invalid('parameters.timeout is not a positive number of microseconds');
  return {
    name: modelName,
    ...(modelVersion === '' ? {} : { version: modelVersion }),
    inputs: inputs.map((input, index) => readInput(input, rawContents[index])),
    outputs: outputs.map((output) => {
      const classes = classificationOf(output.parameters, `output ${output.name}`);
      return { name: output.name, ...(classes === undefined ? {} : { classification: classes }) };
    }),
    raw,
    ...(classification === undefined ? {} : { classificationByDefault: classification }),
    ...(timeout === undefined ? {} : { timeoutMicroseconds: timeout }),
  };
}

function readInput(input: InferTensor, raw: Uint8Array | undefined): Tensor {
  const { name, datatype } = input;
  const head = tensorHead({ name, datatype, shape: input.shape.map(toNumber) }, 'an input');
  if (raw === undefined) return { ...head, data: dataFromContents(head, input.contents) };
  if (input.contents && Object.values(input.contents).some((list: unknown) => Array.isArray(list) && list.length > 0))
    throw invalid(`input ${name} has contents although the request has raw_input_contents: only one of the two may be used`);
  checkRaw(head, raw);
  return { ...head, data: raw };
}

/** A whole number, whichever of the types it was sent as. */
function integerOf(parameter: InferParameter | undefined): number | undefined {
  if (parameter?.choice === 'doubleParam') return parameter.doubleParam;
  if (parameter?.choice === 'int64Param') return toNumber(parameter.int64Param ?? 0);
  return parameter?.choice === 'uint64Param' ? toNumber(parameter.uint64Param ?? 0) : undefined;
}

function classificationOf(parameters: Record<string, InferParameter>, where: string): number | undefined {
  const parameter = parameters['classification'];
  if (parameter === undefined) return undefined;
  const count = integerOf(parameter);
  if (count === 0) return undefined;
  if (count === undefined || !Number.isSafeInteger(count) || count < 1)
    throw invalid(`${where}: classification is not a number of classes`);
  return count;
}

export function writeInferResponse(
  id: string,
  inference: GrpcInference,
  answer: ServiceAnswer,
  energy: WindowEnergy | undefined,
): ModelInferResponse {
  const tensors = answer.outputs.map((tensor) => {
    const wanted = inference.outputs.find((output) => output.name === tensor.name);
    const classes = wanted?.classification ?? (inference.outputs.length === 0 ? inference.classificationByDefault : undefined);
    return classes === undefined ? tensor : classify(tensor, classes, answer.model.slot.classLabels);
  });
  // One response is raw throughout or not at all.
  const raw = inference.raw || tensors.some((tensor) => tensor.datatype === 'FP16');
  return {
    modelName: answer.name,
    modelVersion: answer.model.slot.modelVersion,
    id,
    parameters: Object.fromEntries(
      Object.entries(answerParameters(answer, energy)).map(([key, value]) => [
        key,
        typeof value === 'number' ? { doubleParam: value } : { stringParam: value },
      ]),
    ),
    outputs: tensors.map((tensor) => {
      const { name, datatype, shape } = tensor;
      const contents = raw ? undefined : contentsOf(tensor);
      return { name, datatype, shape, ...(contents === undefined ? {} : { contents }) };
    }),
    rawOutputContents: raw ? tensors.map((tensor) => tensor.data) : [],
  };
}
