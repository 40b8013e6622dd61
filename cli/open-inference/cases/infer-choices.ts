// Which outputs, which version, how many rows, how many requests at once.
import { groupOf } from '../case.ts';
import { expectThat, NotApplicable } from '../deviation.ts';
import { jsonRequest, shown } from '../rest-server.ts';
import { sampleTensor } from '../samples.ts';
import { firstOf, modelWhere, plainModel, type SubjectModel, type Target } from '../target.ts';
import type { ValueTensor } from '../tensors.ts';
import { ask, askSample, expectSame, sameAs } from './plain-inference.ts';

const concurrentRequests = 16;

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

export const inferChoiceCases = groupOf('Inference with JSON', 'infer', [
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
