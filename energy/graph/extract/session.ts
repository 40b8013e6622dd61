// Runs a prepared model once in ONNX Runtime with fusion, profile and the fused graph written to files.
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import type { InferenceSession, Tensor, TypedTensor } from 'onnxruntime-node';
import type { TensorInfo } from '../analysis.ts';
import { elementsOf } from '../operation.ts';

export type Runtime = typeof import('onnxruntime-node');

const arrays = {
  FP32: ['float32', Float32Array],
  FP64: ['float64', Float64Array],
  FP16: ['float16', Uint16Array],
  INT8: ['int8', Int8Array],
  UINT8: ['uint8', Uint8Array],
  INT16: ['int16', Int16Array],
  UINT16: ['uint16', Uint16Array],
  INT32: ['int32', Int32Array],
  UINT32: ['uint32', Uint32Array],
  INT64: ['int64', BigInt64Array],
  UINT64: ['uint64', BigUint64Array],
  BOOL: ['bool', Uint8Array],
} as const;

export interface Recording {
  optimizedModel: Buffer;
  profile: string;
}

/** @throws the runtime's own error when it cannot load or run the model. */
export async function record(
  runtime: Runtime,
  model: string,
  directory: string,
  inputs: readonly TensorInfo[],
): Promise<Recording> {
  // The fused graph is wanted, its weights are not: they go to the null device.
  symlinkSync('/dev/null', path.join(directory, 'weights'));
  const optimizedModelFilePath = path.join(directory, 'optimized.onnx');
  const options: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    // `all` would add layouts of the host's own instruction set.
    graphOptimizationLevel: 'extended',
    optimizedModelFilePath,
    enableProfiling: true,
    profileFilePrefix: path.join(directory, 'profile'),
    executionMode: 'sequential',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    extra: {
      session: {
        intra_op: { allow_spinning: '0' },
        // Otherwise quantised graphs differ from one instruction set to the next.
        qdqisint8allowed: '0',
        optimized_model_external_initializers_file_name: 'weights',
        optimized_model_external_initializers_min_size_in_bytes: '1024',
      },
    },
  };
  const session = await runtime.InferenceSession.create(model, options);
  await session.run(Object.fromEntries(inputs.map((input) => [input.name, dummy(runtime, input)])));
  // It returns nothing: the file is found by its prefix.
  session.endProfiling();
  const profile = readdirSync(directory).find((file) => file.startsWith('profile'));
  if (profile === undefined) throw new Error('the runtime wrote no profile');
  return { optimizedModel: readFileSync(optimizedModelFilePath), profile: readFileSync(path.join(directory, profile), 'utf8') };
}

function dummy(runtime: Runtime, { name, datatype, shape }: TensorInfo): Tensor {
  const count = elementsOf(shape);
  if (datatype === 'BYTES')
    return new runtime.Tensor('string', Array.from<string>({ length: count }).fill(''), shape) as TypedTensor<'string'>;
  const entry = arrays[datatype as keyof typeof arrays] as (typeof arrays)[keyof typeof arrays] | undefined;
  if (!entry) throw new Error(`input "${name}" has type ${datatype}, for which there is no dummy`);
  const [type, ArrayOf] = entry;
  return new runtime.Tensor(type, new ArrayOf(count), shape);
}
