// An inference as an upstream is asked it, and its answer: binary data where the upstream announces it, JSON else.
import { datatypes, elementCount, isDatatype, type Tensor } from '../../inference/datatypes.ts';
import { InferenceError } from '../../inference/errors.ts';
import { fromJson, tensorHead, toJsonData } from '../../inference/tensor-json.ts';
import { parseExactly } from '../../protocols/exact-json.ts';
import { excerptOf, type UpstreamAnswer } from './upstream-client.ts';

export interface EncodedRequest {
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/** @throws InferenceError invalid for FP16 where the upstream takes no binary data */
export function encodeRequest(inputs: readonly Tensor[], outputs: readonly string[], binary: boolean): EncodedRequest {
  const wanted = outputs.length === 0 ? {} : { outputs: outputs.map((name) => ({ name })) };
  const heads = inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape }));
  if (!binary) {
    const tensors = inputs.map((tensor, index) => ({ ...heads[index], data: toJsonData(tensor) }));
    return { headers: {}, body: JSON.stringify({ ...wanted, inputs: tensors }) };
  }
  const tensors = inputs.map(({ data }, index) => ({ ...heads[index], parameters: { binary_data_size: data.byteLength } }));
  const json = Buffer.from(JSON.stringify({ ...wanted, parameters: { binary_data_output: true }, inputs: tensors }));
  return {
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(json.length) },
    body: Buffer.concat([json, ...inputs.map(({ data }) => data)]),
  };
}

export interface DecodedAnswer {
  outputs: Tensor[];
  /** The upstream's own time for the model, where it says so as we do. */
  modelMicroseconds?: number;
}

/** @throws InferenceError */
export function decodeAnswer(answer: UpstreamAnswer, upstream: string): DecodedAnswer {
  if (answer.status !== 200) throw failureOf(answer, upstream);
  try {
    const header = Number(answer.headers['inference-header-content-length'] ?? answer.body.length);
    const json = parseExactly(answer.body.toString('utf8', 0, header)) as Record<string, unknown>;
    const { model_ms: milliseconds } = (json['parameters'] ?? {}) as { model_ms?: unknown };
    return {
      outputs: decodeOutputs(json['outputs'], answer.body.subarray(header)),
      ...(typeof milliseconds === 'number' ? { modelMicroseconds: milliseconds * 1000 } : {}),
    };
  } catch (error) {
    throw new InferenceError(
      'failed',
      `upstream ${upstream} answered what the protocol does not know: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

function decodeOutputs(outputs: unknown, binary: Buffer): Tensor[] {
  if (!Array.isArray(outputs)) throw new Error('it has no outputs');
  let at = 0;
  return outputs.map((output: unknown, index) => {
    const where = `outputs[${index}]`;
    const { parameters } = output as { parameters?: { binary_data_size?: unknown } };
    const size = parameters?.binary_data_size;
    if (size === undefined) return decodeJson(output, where);
    const head = tensorHead(output, where);
    const data = binary.subarray(at, at + Number(size));
    at += Number(size);
    const { bytes } = datatypes[head.datatype];
    if (data.length !== Number(size) || (bytes > 0 && data.length !== elementCount(head.shape) * bytes))
      throw new Error(`${where} has ${data.length} bytes`);
    return { ...head, data };
  });
}

/** Some servers write FP16 as numbers, which the protocol does not have: it stays what they mean, as FP32. */
function decodeJson(output: unknown, where: string): Tensor {
  const { datatype } = output as { datatype?: unknown };
  if (typeof datatype !== 'string' || !isDatatype(datatype) || datatype !== 'FP16') return fromJson(output, where);
  return fromJson({ ...(output as object), datatype: 'FP32' }, where);
}

/** Whose fault it is stays whose fault it is. */
function failureOf(answer: UpstreamAnswer, upstream: string): InferenceError {
  const message = `upstream ${upstream} answered ${answer.status}: ${excerptOf(answer)}`;
  const retryAfterSeconds = Math.max(1, Math.ceil(Number(answer.headers['retry-after']) || 1));
  if (answer.status === 429) return new InferenceError('queueFull', message, { retryAfterSeconds });
  if (answer.status === 404 || answer.status === 502 || answer.status === 503)
    return new InferenceError('unavailable', message, { retryAfterSeconds });
  return new InferenceError(answer.status < 500 ? 'invalid' : 'failed', message);
}
