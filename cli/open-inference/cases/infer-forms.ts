// The same request, written in another way.
import { groupOf } from '../case.ts';
import { jsonInput, jsonRequest, toJson } from '../rest-server.ts';
import { modelWhere, type SubjectModel } from '../target.ts';
import type { Value } from '../tensors.ts';
import { ask, expectSame, sameAs } from './plain-inference.ts';

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

export const inferFormCases = groupOf('Inference with JSON', 'infer', [
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
]);
