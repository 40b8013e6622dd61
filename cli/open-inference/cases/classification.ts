// The classification extension, where the server announces it: the best classes of an output instead of its numbers.
import { type ConformanceCase, groupOf } from '../case.ts';
import { expectThat } from '../deviation.ts';
import { inferPath, jsonRequest, readInference, refused } from '../rest-server.ts';
import { firstOf, modelWhere, requireExtension, type SubjectModel, type Target } from '../target.ts';
import type { ValueTensor } from '../tensors.ts';

function classifier(target: Target): SubjectModel {
  requireExtension(target, 'classification');
  const fits = ({ inputs, outputs }: SubjectModel) =>
    inputs.every(({ datatype }) => datatype !== 'FP16') && outputs[0]?.datatype === 'FP32' && outputs[0].shape.length > 1;
  return modelWhere(target, fits, 'no model under test has rows of FP32 as its first output');
}

async function classified(target: Target, count: number): Promise<{ plain: ValueTensor; classes: ValueTensor }> {
  const model = classifier(target);
  const name = model.outputs[0]?.name;
  const ask = async (parameters?: Record<string, unknown>) => {
    const body = jsonRequest(model.sample, { outputs: [{ name, ...(parameters === undefined ? {} : { parameters }) }] });
    return firstOf(readInference(await target.rest.send(inferPath(model.name), { method: 'POST', body })).outputs);
  };
  return { plain: await ask(), classes: await ask({ classification: count }) };
}

const wrong =
  (count: unknown): ConformanceCase['run'] =>
  async (target) => {
    const model = classifier(target);
    const body = jsonRequest(model.sample, {
      outputs: [{ name: model.outputs[0]?.name, parameters: { classification: count } }],
    });
    refused(await target.rest.send(inferPath(model.name), { method: 'POST', body }));
  };

export const classificationCases = groupOf('Classification (extension)', 'classification', [
  [
    'form',
    'required',
    'one class is a text SCORE:INDEX[:LABEL]',
    async (target) => {
      const { classes } = await classified(target, 1);
      expectThat(classes.datatype === 'BYTES', `the output is ${classes.datatype}`);
      const text = String(classes.values[0]);
      expectThat(/^[^:]+:\d+(:.*)?$/.test(text), `the class is ${JSON.stringify(text)}`);
    },
  ],
  [
    'best',
    'required',
    'it is the class with the highest score',
    async (target) => {
      const { plain, classes } = await classified(target, 1);
      const scores = plain.values.slice(0, plain.shape.at(-1)).map(Number);
      const index = Number(String(classes.values[0]).split(':')[1]);
      expectThat(
        scores[index] === Math.max(...scores),
        `class ${index} has score ${scores[index]}; the highest is ${Math.max(...scores)}`,
      );
    },
  ],
  [
    'order',
    'required',
    'several classes come best first',
    async (target) => {
      const { classes } = await classified(target, 2);
      const [first = 0, second = 0] = classes.values.map((text) => Number(String(text).split(':')[0]));
      expectThat(classes.shape.at(-1) === 2 && first >= second, `they are ${classes.values.join(', ')}`);
    },
  ],
  [
    'more-than-there-are',
    'required',
    'more classes than there are give all of them',
    async (target) => {
      const { plain, classes } = await classified(target, 1000);
      expectThat(classes.shape.at(-1) === plain.shape.at(-1), `they are ${classes.shape.at(-1)} of ${plain.shape.at(-1)}`);
    },
  ],
  ['negative', 'advised', 'a negative number of classes is refused', wrong(-1)],
  ['no-number', 'advised', 'a number of classes that is none is refused', wrong('two')],
]);
