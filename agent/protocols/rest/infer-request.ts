// An inference request as Open Inference Protocol v2 writes it: JSON, or JSON followed by the binary data of its tensors.
import type { IncomingHttpHeaders } from 'node:http';
import type { Tensor } from '../../inference/datatypes.ts';
import { InferenceError } from '../../inference/errors.ts';
import { fromJson, tensorHead } from '../../inference/tensor-json.ts';
import { parseExactly } from '../exact-json.ts';
import { checkRaw } from '../raw-data.ts';

export interface OutputRequest {
  name: string;
  binary: boolean;
  /** Answer the top k classes instead of the tensor. */
  classification?: number;
}

export interface RestRequest {
  id?: string;
  inputs: Tensor[];
  /** Empty: all outputs. */
  outputs: OutputRequest[];
  /** For outputs that are not named. */
  binaryByDefault: boolean;
  classificationByDefault?: number;
  timeoutMicroseconds?: number;
}

const invalid = (message: string) => new InferenceError('invalid', message);
const maximumTensors = 256;

/** @throws InferenceError invalid, which names what does not fit. */
export function parseInferRequest(body: Buffer, headers: IncomingHttpHeaders): RestRequest {
  const length = headerLength(headers, body);
  const json = parseObject(body.subarray(0, length));
  const parameters = objectOf(json['parameters'], 'parameters');
  const inputs = parseInputs(json['inputs'], body.subarray(length));
  const outputs = parseOutputs(json['outputs'], parameters['binary_data_output'] === true);
  const { id } = json;
  if (id !== undefined && typeof id !== 'string') throw invalid('id is not a string');
  const given = parameters['timeout'];
  const timeout = typeof given === 'bigint' ? Number(given) : given;
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0))
    throw invalid('parameters.timeout is not a positive number of microseconds');
  const classes = classificationOf(parameters, 'parameters');
  return {
    ...(id === undefined ? {} : { id }),
    inputs,
    outputs,
    binaryByDefault: parameters['binary_data_output'] === true,
    ...(classes === undefined ? {} : { classificationByDefault: classes }),
    ...(timeout === undefined ? {} : { timeoutMicroseconds: timeout }),
  };
}

function headerLength(headers: IncomingHttpHeaders, body: Buffer): number {
  const header = headers['inference-header-content-length'];
  if (header === undefined) return body.length;
  const length = Number(header);
  if (!Number.isSafeInteger(length) || length < 0 || length > body.length)
    throw invalid(`Inference-Header-Content-Length is ${String(header)}; the body has ${body.length} bytes`);
  return length;
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseExactly(bytes.toString('utf8'));
  } catch (error) {
    throw invalid(`the body is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('the body is not a JSON object');
  return value as Record<string, unknown>;
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`${what} is not an object`);
  return value as Record<string, unknown>;
}

function parseInputs(value: unknown, binary: Buffer): Tensor[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid('inputs is missing or empty: a list of tensors is needed');
  if (value.length > maximumTensors) throw invalid(`${value.length} inputs are more than ${maximumTensors}`);
  let offset = 0;
  const tensors = value.map((input: unknown, index) => {
    const where = `inputs[${index}]`;
    const parameters = objectOf((input as { parameters?: unknown } | null)?.parameters, `${where}.parameters`);
    const size = parameters['binary_data_size'];
    if (size === undefined) return fromJson(input, where);
    const head = tensorHead(input, where);
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      throw invalid(`input ${head.name}: binary_data_size is no number of bytes`);
    const end = offset + size;
    if (end > binary.length)
      throw invalid(`input ${head.name} claims ${size} bytes of binary data; ${binary.length - offset} are left`);
    const data = binary.subarray(offset, end);
    offset = end;
    checkRaw(head, data);
    return { ...head, data };
  });
  if (offset !== binary.length) throw invalid(`${binary.length - offset} bytes of binary data belong to no input`);
  return tensors;
}

function parseOutputs(value: unknown, binaryByDefault: boolean): OutputRequest[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > maximumTensors) throw invalid('outputs is not a list of at most 256 tensors');
  return value.map((output: unknown, index) => {
    const object = objectOf(output, `outputs[${index}]`);
    const { name } = object;
    if (typeof name !== 'string') throw invalid(`outputs[${index}] has no name`);
    const parameters = objectOf(object['parameters'], `outputs[${index}].parameters`);
    const classification = classificationOf(parameters, `outputs[${index}]`);
    const binary = parameters['binary_data'];
    return {
      name,
      binary: typeof binary === 'boolean' ? binary : binaryByDefault,
      ...(classification === undefined ? {} : { classification }),
    };
  });
}

function classificationOf(parameters: Record<string, unknown>, where: string): number | undefined {
  const count = parameters['classification'];
  if (count === undefined || count === 0) return undefined;
  if (!Number.isSafeInteger(count) || (count as number) < 1) throw invalid(`${where}: classification is not a number of classes`);
  return count as number;
}
