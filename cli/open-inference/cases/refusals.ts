// Wrong requests over HTTP: an error status, and an "error" that says why.
import { type ConformanceCase, groupOf } from '../case.ts';
import { type Level, NotApplicable } from '../deviation.ts';
import {
  inferPath,
  jsonInput,
  jsonRequest,
  type RequestParts,
  type RestOptions,
  refused,
  succeeded,
  toJson,
} from '../rest-server.ts';
import { inputOf, modelWhere, plainModel, type SubjectModel, sampleWith, type Target } from '../target.ts';
import type { ValueTensor } from '../tensors.ts';

type Body = string | Buffer;
type Changed = Record<string, unknown>;

const sent =
  (write: (model: SubjectModel) => Body, options: Partial<RestOptions> = {}): ConformanceCase['run'] =>
  async (target) => {
    const model = plainModel(target);
    refused(await target.rest.send(inferPath(model.name), { method: 'POST', body: write(model), ...options }));
  };

/** The sample, with fields of its first input replaced; a field that is undefined is left out. */
const withInput = (change: (input: ValueTensor) => Changed) =>
  sent((model) => {
    const [first, ...rest] = model.sample;
    if (!first) throw new NotApplicable('the model takes no input');
    return toJson({ inputs: [{ ...jsonInput(first), ...change(first) }, ...rest.map(jsonInput)] });
  });

const withParts = (parts: RequestParts | Changed) => sent((model) => toJson({ ...parts, inputs: model.sample.map(jsonInput) }));

const inDatatype =
  (datatypes: readonly string[], values: unknown[]): ConformanceCase['run'] =>
  async (target) => {
    const datatype = datatypes.find((name) =>
      target.models.some((model) => model.inputs.some((input) => input.datatype === name)),
    );
    if (datatype === undefined) throw new NotApplicable(`no model under test takes ${datatypes.join(' or ')}`);
    const { model, input } = inputOf(target, datatype);
    if (model.inputs.some((one) => one.datatype === 'FP16')) throw new NotApplicable('its model takes FP16 as well');
    const sample = model.sample.find(({ name }) => name === input.name);
    const data = sample?.values.map((value, index) => (index < values.length ? values[index] : value)) ?? [];
    const inputs = sampleWith(model, { ...input, shape: sample?.shape ?? [], values: data as never[] }).map(jsonInput);
    refused(await target.rest.send(inferPath(model.name), { method: 'POST', body: toJson({ inputs }) }));
  };

const stillServing: ConformanceCase['run'] = async (target: Target) => {
  succeeded(await target.rest.send('/v2/health/live'));
  const model = plainModel(target);
  succeeded(await target.rest.send(inferPath(model.name), { method: 'POST', body: jsonRequest(model.sample) }));
};

const deep = 100_000;
const otherType = ({ datatype }: ValueTensor) => (datatype === 'INT32' ? 'FP32' : 'INT32');

/** Written by hand: no JSON library nests so deep. */
const deepNesting = sent((model) => {
  const [first] = model.sample;
  const head = toJson({ name: first?.name, datatype: first?.datatype, shape: first?.shape }).slice(0, -1);
  return `{"inputs":[${head},"data":${'['.repeat(deep)}${']'.repeat(deep)}}]}`;
});

const rows: (readonly [string, Level, string, ConformanceCase['run']])[] = [
  [
    'unknown-model',
    'required',
    'an unknown model',
    async (target) => {
      const body = jsonRequest(plainModel(target).sample);
      refused(await target.rest.send(inferPath('no-such-model'), { method: 'POST', body }), [404]);
    },
  ],
  [
    'unknown-version',
    'required',
    'an unknown version',
    async (target) => {
      const model = plainModel(target);
      if (model.version === undefined) throw new NotApplicable('the model lists no version');
      const answer = await target.rest.send(inferPath(model.name, 'no-such-version'), {
        method: 'POST',
        body: jsonRequest(model.sample),
      });
      refused(answer, [404]);
    },
  ],
  ['not-json', 'required', 'a body that is not JSON', sent(() => 'inputs: none')],
  ['empty', 'required', 'an empty body', sent(() => '')],
  ['cut-off', 'required', 'JSON that is cut off', sent((model) => jsonRequest(model.sample).slice(0, -3))],
  ['list', 'required', 'a body that is a list', sent(() => '[]')],
  [
    'not-utf8',
    'advised',
    'a body that is not UTF-8',
    sent((model) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(jsonRequest(model.sample))])),
  ],
  ['deep', 'required', `${deep} nested lists`, deepNesting],
  ['no-inputs', 'required', 'no inputs', sent(() => '{}')],
  ['empty-inputs', 'required', 'an empty list of inputs', sent(() => '{"inputs":[]}')],
  ['inputs-object', 'required', 'inputs that are no list', sent((model) => toJson({ inputs: { [model.name]: 1 } }))],
  ['input-null', 'required', 'an input that is null', sent(() => '{"inputs":[null]}')],
  ['no-name', 'required', 'an input without a name', withInput(() => ({ name: undefined }))],
  ['unknown-input', 'required', 'an input that the model has not', withInput(() => ({ name: 'no-such-input' }))],
  [
    'input-twice',
    'advised',
    'an input that is given twice',
    sent((model) => jsonRequest([...model.sample, ...model.sample.slice(0, 1)])),
  ],
  [
    'missing-input',
    'required',
    'one input of several missing',
    async (target) => {
      const model = modelWhere(
        target,
        ({ inputs }) => inputs.length > 1 && inputs.every(({ datatype }) => datatype !== 'FP16'),
        'no model under test has several inputs',
      );
      refused(await target.rest.send(inferPath(model.name), { method: 'POST', body: jsonRequest(model.sample.slice(1)) }));
    },
  ],
  ['no-datatype', 'required', 'an input without a datatype', withInput(() => ({ datatype: undefined }))],
  ['unknown-datatype', 'required', 'a datatype that the protocol has not', withInput(() => ({ datatype: 'FP33' }))],
  [
    'other-datatype',
    'advised',
    'a datatype that is not the model’s',
    withInput((input) => ({ datatype: otherType(input), data: input.values.map(() => 1) })),
  ],
  ['no-shape', 'required', 'an input without a shape', withInput(() => ({ shape: undefined }))],
  ['negative-shape', 'required', 'a negative dimension', withInput(({ shape }) => ({ shape: [-1, ...shape.slice(1)] }))],
  ['fractional-shape', 'required', 'a dimension of a half', withInput(({ shape }) => ({ shape: [0.5, ...shape.slice(1)] }))],
  ['text-shape', 'advised', 'a dimension that is a text', withInput(({ shape }) => ({ shape: ['many', ...shape.slice(1)] }))],
  [
    'huge-shape',
    'required',
    'dimensions whose product no memory holds',
    withInput(() => ({ shape: [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1] })),
  ],
  ['other-rank', 'advised', 'more dimensions than the model has', withInput(({ shape }) => ({ shape: [1, 1, 1, ...shape] }))],
  ['no-data', 'required', 'an input without data', withInput(() => ({ data: undefined }))],
  ['too-few', 'required', 'fewer elements than the shape needs', withInput(({ values }) => ({ data: values.slice(1) }))],
  ['too-many', 'required', 'more elements than the shape needs', withInput(({ values }) => ({ data: [...values, ...values] }))],
  [
    'ragged',
    'advised',
    'nested data that do not follow the shape',
    withInput(({ values }) => ({ data: [values.slice(0, 1), values.slice(1)] })),
  ],
  ['text-for-number', 'required', 'a text among numbers', inDatatype(['FP32', 'INT32', 'FP64'], ['many'])],
  ['null-element', 'advised', 'null among the data', inDatatype(['FP32', 'INT32', 'FP64'], [null])],
  ['fraction-for-integer', 'advised', 'a fraction among whole numbers', inDatatype(['INT32', 'INT64', 'UINT8'], [1.5])],
  [
    'out-of-range',
    'advised',
    'a number that its datatype cannot hold',
    inDatatype(['UINT8', 'INT8', 'UINT16', 'INT16'], [70_000]),
  ],
  [
    'negative-unsigned',
    'advised',
    'a negative number for an unsigned datatype',
    inDatatype(['UINT8', 'UINT16', 'UINT32', 'UINT64'], [-1]),
  ],
  ['number-for-text', 'advised', 'a number among texts', inDatatype(['BYTES'], [7])],
  ['unknown-output', 'required', 'an output that the model has not', withParts({ outputs: [{ name: 'no-such-output' }] })],
  ['unnamed-output', 'required', 'an output without a name', withParts({ outputs: [{}] })],
  ['outputs-object', 'advised', 'outputs that are no list', withParts({ outputs: {} })],
  ['number-id', 'advised', 'an id that is no text', withParts({ id: 42 })],
  ['parameters-list', 'advised', 'parameters that are no object', withParts({ parameters: [1] })],
  [
    'get',
    'advised',
    'GET where POST is meant',
    async (target) => {
      refused(await target.rest.send(inferPath(plainModel(target).name)), [405]);
    },
  ],
];

export const refusalCases: ConformanceCase[] = [
  ...groupOf(
    'Refusals over HTTP',
    'refuse',
    rows.map(([id, level, title, run]) => [id, level, `refuses ${title}`, run] as const),
  ),
  ...groupOf('Refusals over HTTP', 'refuse', [['still-serving', 'required', 'serves on after all of these', stillServing]]),
];
