import { type ConformanceCase, Deviation, expectThat, groupOf, NotApplicable } from '../case.ts';
import {
  type InferAnswer,
  inferPath,
  jsonInput,
  jsonRequest,
  type RequestParts,
  readInference,
  shown,
  toJson,
} from '../rest-server.ts';
import { sameValues, sampleTensor } from '../samples.ts';
import { firstOf, modelWhere, plainModel, type SubjectModel, type Target } from '../target.ts';
import type { Value, ValueTensor } from '../tensors.ts';

const concurrentRequests = 16;

async function ask(target: Target, model: SubjectModel, body: string, version?: string): Promise<InferAnswer> {
  return readInference(await target.rest.send(inferPath(model.name, version), { method: 'POST', body }));
}

async function askSample(target: Target, parts: RequestParts = {}): Promise<InferAnswer & { model: SubjectModel }> {
  const model = plainModel(target);
  return { model, ...(await ask(target, model, jsonRequest(model.sample, parts))) };
}

/** Another way to write the same request gives the same outputs. */
const sameAs =
  (rewrite: (model: SubjectModel) => string): ConformanceCase['run'] =>
  async (target) => {
    const { model, outputs } = await askSample(target);
    expectSame((await ask(target, model, rewrite(model))).outputs, outputs);
  };

export function expectSame(outputs: readonly ValueTensor[], wanted: readonly ValueTensor[]): void {
  for (const expected of wanted) {
    const found = outputs.find((output) => output.name === expected.name);
    if (!found) throw new Deviation(`the answer lacks the output ${expected.name}`);
    if (!sameValues(found.values, expected.values))
      throw new Deviation(`output ${expected.name} is ${shownValues(found.values)}, not ${shownValues(expected.values)}`);
  }
}

const shownValues = (values: readonly Value[]) => `${values.slice(0, 6).map(String).join(', ')}${values.length > 6 ? ', …' : ''}`;

function nested(values: readonly Value[], shape: readonly number[]): unknown[] {
  const [size = 0, ...rest] = shape;
  if (rest.length === 0) return [...values];
  const width = values.length / Math.max(1, size);
  return Array.from({ length: size }, (_, index) => nested(values.slice(index * width, (index + 1) * width), rest));
}

const reversedKeys = (model: SubjectModel) =>
  toJson({
    inputs: model.sample.map((tensor) => Object.fromEntries(Object.entries(jsonInput(tensor)).toReversed())),
    id: 'last',
  });

function batchable(target: Target): SubjectModel {
  const fits = ({ inputs, outputs }: SubjectModel) =>
    [...inputs, ...outputs].every(({ shape, datatype }) => shape[0] === -1 && shape.length > 1 && datatype !== 'FP16');
  return modelWhere(target, fits, 'no model under test has a dynamic first dimension in all its tensors');
}

/** One row of a batch, as a batch of its own. */
const rowOf = ({ name, datatype, shape, values }: ValueTensor, row: number): ValueTensor => {
  const width = values.length / (shape[0] ?? 1);
  return { name, datatype, shape: [1, ...shape.slice(1)], values: values.slice(row * width, (row + 1) * width) };
};

export const inferCases = groupOf('Inference with JSON', 'infer', [
  [
    'answers',
    'required',
    'a request built from the metadata is answered with 200',
    async (target) => {
      await askSample(target);
    },
  ],
  [
    'content-type',
    'required',
    'the answer is application/json',
    async (target) => {
      const { answer } = await askSample(target);
      expectThat(
        (answer.headers['content-type'] ?? '').startsWith('application/json'),
        `its type is ${answer.headers['content-type']}`,
      );
    },
  ],
  [
    'model-name',
    'required',
    'it names the model',
    async (target) => {
      const { json, model } = await askSample(target);
      expectThat(json['model_name'] === model.name, `model_name is ${JSON.stringify(json['model_name'])}`);
    },
  ],
  [
    'model-version',
    'required',
    'model_version, where given, is a text',
    async (target) => {
      const version = (await askSample(target)).json['model_version'];
      expectThat(version === undefined || typeof version === 'string', `model_version is ${JSON.stringify(version)}`);
    },
  ],
  [
    'all-outputs',
    'required',
    'without "outputs" it holds all outputs of the model',
    async (target) => {
      const { model, outputs } = await askSample(target);
      const missing = model.outputs.filter(({ name }) => !outputs.some((output) => output.name === name));
      expectThat(missing.length === 0, () => `it lacks ${missing.map(({ name }) => name).join(', ')}`);
    },
  ],
  [
    'as-described',
    'required',
    'outputs have the datatypes and shapes of the metadata',
    async (target) => {
      const { model, outputs } = await askSample(target);
      for (const output of outputs) {
        const described = model.outputs.find(({ name }) => name === output.name);
        expectThat(described !== undefined, `the metadata know no output ${output.name}`);
        expectThat(
          output.datatype === described.datatype,
          `${output.name} is ${output.datatype}, described as ${described.datatype}`,
        );
        const fits =
          output.shape.length === described.shape.length &&
          described.shape.every((size, axis) => size === -1 || size === output.shape[axis]);
        expectThat(fits, `${output.name} has shape [${output.shape.join(', ')}], described as [${described.shape.join(', ')}]`);
      }
    },
  ],
  [
    'id',
    'required',
    'the id of the request comes back',
    async (target) => {
      const { json } = await askSample(target, { id: '42' });
      expectThat(json['id'] === '42', `id is ${JSON.stringify(json['id'])}`);
    },
  ],
  [
    'id-unicode',
    'required',
    'an id of any text comes back unchanged',
    async (target) => {
      const id = 'größe-漢字-🙂 "x"\\n';
      const { json } = await askSample(target, { id });
      expectThat(json['id'] === id, `id is ${JSON.stringify(json['id'])}`);
    },
  ],
  [
    'no-id',
    'advised',
    'without an id in the request none is null or a number',
    async (target) => {
      const { id } = (await askSample(target)).json;
      expectThat(id === undefined || typeof id === 'string', `id is ${JSON.stringify(id)}`);
    },
  ],
  [
    'nested',
    'required',
    'nested data mean the same as flat data',
    sameAs((model) =>
      toJson({ inputs: model.sample.map((tensor) => ({ ...jsonInput(tensor), data: nested(tensor.values, tensor.shape) })) }),
    ),
  ],
  ['key-order', 'required', 'the order of keys does not matter', sameAs(reversedKeys)],
  [
    'whitespace',
    'required',
    'white space does not matter',
    sameAs((model) => `\n\t ${jsonRequest(model.sample).replaceAll('"inputs":', '"inputs" :\n ')} \r\n`),
  ],
  [
    'unicode-escapes',
    'required',
    'escaped names mean the same',
    sameAs((model) => jsonRequest(model.sample).replace('"name"', '"\\u006eame"')),
  ],
  [
    'empty-parameters',
    'required',
    'empty parameters change nothing',
    sameAs((model) =>
      toJson({ parameters: {}, inputs: model.sample.map((tensor) => ({ ...jsonInput(tensor), parameters: {} })) }),
    ),
  ],
  [
    'exponents',
    'required',
    'numbers may be written with exponents',
    async (target) => {
      const model = modelWhere(
        target,
        ({ inputs }) => inputs.length === 1 && (inputs[0]?.datatype === 'FP32' || inputs[0]?.datatype === 'FP64'),
        'no model under test takes FP32 or FP64 alone',
      );
      const [input] = model.sample;
      if (!input) return;
      const plain = await ask(target, model, jsonRequest(model.sample));
      const written = input.values.map((value) => Number(value).toExponential()).join(',');
      const { data: _, ...head } = jsonInput(input);
      const body = `{"inputs":[${toJson(head).slice(0, -1)},"data":[${written}]}]}`;
      expectSame((await ask(target, model, body)).outputs, plain.outputs);
    },
  ],
  [
    'one-output',
    'required',
    'only the outputs that are named come back',
    async (target) => {
      const model = modelWhere(
        target,
        ({ inputs, outputs }) =>
          outputs.length > 1 && inputs.every(({ datatype }) => datatype !== 'FP16') && outputs[0]?.datatype !== 'FP16',
        'no model under test has several outputs',
      );
      const [wanted] = model.outputs;
      const { outputs } = await ask(target, model, jsonRequest(model.sample, { outputs: [{ name: wanted?.name }] }));
      expectThat(
        outputs.length === 1 && outputs[0]?.name === wanted?.name,
        () => `it holds ${outputs.map(({ name }) => name).join(', ')}`,
      );
    },
  ],
  [
    'named-output',
    'required',
    'an output that is named comes back with the same values',
    async (target) => {
      const { model, outputs } = await askSample(target);
      const parts = { outputs: model.outputs.map(({ name }) => ({ name })) };
      expectSame((await ask(target, model, jsonRequest(model.sample, parts))).outputs, outputs);
    },
  ],
  [
    'input-order',
    'required',
    'inputs may come in any order',
    async (target) => {
      const model = modelWhere(
        target,
        ({ inputs }) => inputs.length > 1 && inputs.every(({ datatype }) => datatype !== 'FP16'),
        'no model under test has several inputs',
      );
      const plain = await ask(target, model, jsonRequest(model.sample));
      expectSame((await ask(target, model, jsonRequest(model.sample.toReversed()))).outputs, plain.outputs);
    },
  ],
  [
    'version',
    'required',
    'a version that it lists answers and says which it is',
    async (target) => {
      const { version, ...model } = modelWhere(
        target,
        (one) => one === plainModel(target) && one.version !== undefined,
        'the model lists no version',
      );
      const { json } = await ask(target, { ...model, version }, jsonRequest(model.sample), version);
      expectThat(
        json['model_version'] === undefined || json['model_version'] === version,
        `model_version is ${JSON.stringify(json['model_version'])}`,
      );
    },
  ],
  [
    'batch',
    'required',
    'rows of a batch are answered as they are alone',
    async (target) => {
      const model = batchable(target);
      const batch = model.inputs.map((input) => {
        const [one, two] = [sampleTensor(input, 0), sampleTensor(input, 3)];
        return { ...one, shape: [2, ...one.shape.slice(1)], values: [...one.values, ...two.values] };
      });
      const whole = await ask(target, model, jsonRequest(batch));
      for (const row of [0, 1]) {
        const alone = await ask(target, model, jsonRequest(batch.map((tensor) => rowOf(tensor, row))));
        expectThat(firstOf(whole.outputs).shape[0] === 2, () => `${shown(whole.answer)}: not two rows`);
        expectSame(
          whole.outputs.map((output) => rowOf(output, row)),
          alone.outputs,
        );
      }
    },
  ],
  ['repeatable', 'advised', 'the same request gives the same answer again', sameAs((model) => jsonRequest(model.sample))],
  [
    'together',
    'required',
    `${concurrentRequests} requests at once get their own answers`,
    async (target) => {
      const model = plainModel(target);
      const bodies = Array.from({ length: concurrentRequests }, (_, index) => {
        const inputs = model.inputs.map((input, at) => {
          const dynamic = model.sample[at]?.shape[input.shape.indexOf(-1)] ?? 1;
          return sampleTensor(input, index, dynamic);
        });
        return jsonRequest(inputs, { id: `request-${index}` });
      });
      const together = await Promise.all(bodies.map((body) => ask(target, model, body)));
      for (const [index, body] of bodies.entries()) {
        const answered = together[index];
        if (!answered) throw new NotApplicable('no request was sent');
        expectThat(
          answered.json['id'] === `request-${index}`,
          `request-${index} got the answer of ${JSON.stringify(answered.json['id'])}`,
        );
        expectSame(answered.outputs, (await ask(target, model, body)).outputs);
      }
    },
  ],
]);
