// The binary tensor data extension, where the server announces it.
import { type ConformanceCase, groupOf } from '../case.ts';
import { expectThat } from '../deviation.ts';
import {
  binaryRequest,
  type InferAnswer,
  inferPath,
  jsonRequest,
  type RequestParts,
  type RestOptions,
  readInference,
  refused,
} from '../rest-server.ts';
import { modelWhere, plainModel, requireExtension, type SubjectModel, type Target } from '../target.ts';
import { expectSame } from './plain-inference.ts';

const extension = 'binary_tensor_data';

async function ask(target: Target, model: SubjectModel, options: RestOptions): Promise<InferAnswer> {
  return readInference(await target.rest.send(inferPath(model.name), { method: 'POST', ...options }));
}

/** Whatever the form of request and answer, the values are those of JSON. */
const inForm =
  (options: (model: SubjectModel) => RestOptions, check: (answer: InferAnswer) => void = () => {}): ConformanceCase['run'] =>
  async (target) => {
    requireExtension(target, extension);
    const model = plainModel(target);
    const plain = await ask(target, model, { body: jsonRequest(model.sample) });
    const answer = await ask(target, model, options(model));
    expectSame(answer.outputs, plain.outputs);
    check(answer);
  };

const allBinary: RequestParts = { parameters: { binary_data_output: true } };

const broken =
  (change: (request: { headers: Record<string, string>; body: Buffer }) => RestOptions): ConformanceCase['run'] =>
  async (target) => {
    requireExtension(target, extension);
    const model = plainModel(target);
    const options = change(binaryRequest(model.sample));
    refused(await target.rest.send(inferPath(model.name), { method: 'POST', ...options }));
  };

const announced =
  (length: string) =>
  ({ headers, body }: { headers: Record<string, string>; body: Buffer }): RestOptions => ({
    headers: { ...headers, 'inference-header-content-length': length },
    body,
  });

/** The JSON part of a binary request rewritten, its length with it. */
const rewritten =
  (change: (json: string) => string) =>
  ({ headers, body }: { headers: Record<string, string>; body: Buffer }): RestOptions => {
    const length = Number(headers['inference-header-content-length']);
    const json = Buffer.from(change(body.toString('utf8', 0, length)));
    return {
      headers: { ...headers, 'inference-header-content-length': String(json.length) },
      body: Buffer.concat([json, body.subarray(length)]),
    };
  };

const resized = (by: number) =>
  rewritten((json) => json.replace(/"binary_data_size":(\d+)/, (_, size) => `"binary_data_size":${Number(size) + by}`));

export const binaryCases = groupOf('Binary tensor data (extension)', 'binary-data', [
  [
    'in',
    'required',
    'binary inputs, JSON outputs',
    inForm(
      (model) => binaryRequest(model.sample),
      ({ binary }) => expectThat(binary.size === 0, 'outputs came as binary data, although nobody asked for it', 'advised'),
    ),
  ],
  [
    'out',
    'required',
    'JSON inputs, binary outputs by binary_data_output',
    inForm(
      (model) => ({ body: jsonRequest(model.sample, allBinary) }),
      ({ binary, outputs }) =>
        expectThat(binary.size === outputs.length, `${binary.size} of ${outputs.length} outputs are binary`),
    ),
  ],
  ['both', 'required', 'binary inputs and outputs', inForm((model) => binaryRequest(model.sample, allBinary))],
  [
    'one-output',
    'required',
    'one output as binary data, by its own parameter',
    inForm(
      (model) => ({
        body: jsonRequest(model.sample, {
          outputs: model.outputs.map(({ name }) => ({ name, parameters: { binary_data: true } })),
        }),
      }),
      ({ binary, outputs }) =>
        expectThat(binary.size === outputs.length, `${binary.size} of ${outputs.length} outputs are binary`),
    ),
  ],
  [
    'output-in-json',
    'required',
    'an output’s own binary_data: false wins over binary_data_output',
    inForm(
      (model) => ({
        body: jsonRequest(model.sample, {
          ...allBinary,
          outputs: model.outputs.map(({ name }) => ({ name, parameters: { binary_data: false } })),
        }),
      }),
      ({ binary }) => expectThat(binary.size === 0, `${[...binary].join(', ')} came as binary data`),
    ),
  ],
  [
    'content-type',
    'advised',
    'an answer with binary data is application/octet-stream',
    inForm(
      (model) => ({ body: jsonRequest(model.sample, allBinary) }),
      ({ answer }) =>
        expectThat(
          answer.headers['content-type'] === 'application/octet-stream',
          `its type is ${answer.headers['content-type']}`,
        ),
    ),
  ],
  [
    'mixed',
    'required',
    'one input as binary data beside another in JSON',
    async (target) => {
      requireExtension(target, extension);
      const model = modelWhere(
        target,
        ({ inputs }) => inputs.length > 1 && inputs.every(({ datatype }) => datatype !== 'FP16'),
        'no model under test has several inputs',
      );
      const plain = await ask(target, model, { body: jsonRequest(model.sample) });
      const [first] = model.sample;
      expectSame(
        (
          await ask(
            target,
            model,
            binaryRequest(model.sample, {}, (tensor) => tensor === first),
          )
        ).outputs,
        plain.outputs,
      );
    },
  ],
  ['no-length', 'required', 'refuses binary data without Inference-Header-Content-Length', broken(({ body }) => ({ body }))],
  ['length-too-large', 'required', 'refuses a header longer than the body', broken(announced('999999'))],
  ['length-not-a-number', 'required', 'refuses a header whose length is no number', broken(announced('many'))],
  ['length-negative', 'required', 'refuses a negative length', broken(announced('-5'))],
  ['too-few-bytes', 'required', 'refuses fewer bytes than the shape needs', broken(resized(-1))],
  ['beyond-the-end', 'required', 'refuses bytes beyond the end of the body', broken(resized(4))],
  [
    'bytes-left',
    'advised',
    'refuses bytes that belong to no input',
    broken(({ headers, body }) => ({ headers, body: Buffer.concat([body, Buffer.alloc(3)]) })),
  ],
  [
    'negative-size',
    'required',
    'refuses a negative binary_data_size',
    broken(rewritten((json) => json.replace(/"binary_data_size":\d+/, '"binary_data_size":-4'))),
  ],
]);
