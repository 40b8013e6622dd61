// Wrong calls over gRPC: a status that is not OK, and the right one.
import { status } from '@grpc/grpc-js';
import { type ConformanceCase, groupOf } from '../case.ts';
import { type GrpcInferRequest, grpcRefused, grpcRequest, inferOverGrpc } from '../grpc-server.ts';
import { plainModel, requireGrpc, type SubjectModel } from '../target.ts';
import type { ValueTensor } from '../tensors.ts';

const wrong = [status.INVALID_ARGUMENT];

const broken =
  (change: (request: GrpcInferRequest, model: SubjectModel) => object, raw = false, codes = wrong): ConformanceCase['run'] =>
  async (target) => {
    const grpc = requireGrpc(target);
    const model = plainModel(target);
    const request = grpcRequest(model.name, model.sample, raw);
    await grpcRefused(inferOverGrpc(grpc, { ...request, ...change(request, model) }), codes);
  };

/** The first input of a request changed. */
const withInput = (change: (input: ValueTensor) => object, raw = false) =>
  broken(
    ({ inputs }, { sample }) => ({
      inputs: inputs.map((input, index) => (index === 0 && sample[0] ? { ...input, ...change(sample[0]) } : input)),
    }),
    raw,
  );

export const grpcRefusalCases = groupOf('Refusals over gRPC', 'grpc-refuse', [
  [
    'unknown-model',
    'required',
    'refuses an unknown model with NOT_FOUND',
    broken(() => ({ modelName: 'no-such-model' }), false, [status.NOT_FOUND]),
  ],
  [
    'unknown-version',
    'required',
    'refuses an unknown version with NOT_FOUND',
    broken(() => ({ modelVersion: 'no-such-version' }), false, [status.NOT_FOUND]),
  ],
  [
    'unknown-metadata',
    'required',
    'refuses metadata of an unknown model with NOT_FOUND',
    async (target) => {
      const metadata = requireGrpc(target).call('ModelMetadata', ['ModelName', 'ModelMetadataResponse'], {
        name: 'no-such-model',
      });
      await grpcRefused(metadata, [status.NOT_FOUND]);
    },
  ],
  ['no-inputs', 'required', 'refuses a request without inputs', broken(() => ({ inputs: [] }))],
  ['unknown-input', 'required', 'refuses an input that the model has not', withInput(() => ({ name: 'no-such-input' }))],
  ['unknown-datatype', 'required', 'refuses a datatype that the protocol has not', withInput(() => ({ datatype: 'FP33' }))],
  [
    'too-few',
    'required',
    'refuses fewer elements than the shape needs',
    withInput(({ shape }) => ({ shape: [(shape[0] ?? 1) + 7, ...shape.slice(1)] })),
  ],
  ['negative-shape', 'required', 'refuses a negative dimension', withInput(({ shape }) => ({ shape: [-1, ...shape.slice(1)] }))],
  [
    'other-contents',
    'advised',
    'refuses contents of another datatype',
    withInput(({ values }) => ({ contents: { bytesContents: values.map(() => Buffer.from('x')) } })),
  ],
  [
    'raw-too-short',
    'required',
    'refuses raw contents that are too short',
    broken(({ rawInputContents = [] }) => ({ rawInputContents: rawInputContents.map((bytes) => bytes.subarray(1)) }), true),
  ],
  [
    'raw-too-many',
    'required',
    'refuses more raw contents than inputs',
    broken(({ rawInputContents = [] }) => ({ rawInputContents: [...rawInputContents, Buffer.alloc(4)] }), true),
  ],
  [
    'raw-and-typed',
    'advised',
    'refuses raw contents beside typed ones',
    broken(
      (request, { name, sample }) => ({
        inputs: grpcRequest(name, sample, false).inputs,
        rawInputContents: request.rawInputContents,
      }),
      true,
    ),
  ],
  [
    'unknown-output',
    'required',
    'refuses an output that the model has not',
    broken(() => ({ outputs: [{ name: 'no-such-output' }] })),
  ],
  [
    'input-twice',
    'advised',
    'refuses an input that is given twice',
    broken(({ inputs }) => ({ inputs: [...inputs, ...inputs.slice(0, 1)] })),
  ],
  [
    'unknown-method',
    'required',
    'answers UNIMPLEMENTED to a method that it has not',
    async (target) => {
      await grpcRefused(requireGrpc(target).call('NoSuchMethod', ['Empty', 'Empty'], {}), [status.UNIMPLEMENTED]);
    },
  ],
  [
    'still-serving',
    'required',
    'serves on after all of these',
    async (target) => {
      const model = plainModel(target);
      await inferOverGrpc(requireGrpc(target), grpcRequest(model.name, model.sample, true));
    },
  ],
]);
