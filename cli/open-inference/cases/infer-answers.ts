import { groupOf } from '../case.ts';
import { expectThat } from '../deviation.ts';
import { askSample } from './plain-inference.ts';

export const inferAnswerCases = groupOf('Inference with JSON', 'infer', [
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
]);
