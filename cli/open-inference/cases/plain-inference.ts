// Asking a model in plain JSON, and comparing what it answers.
import type { ConformanceCase } from '../case.ts';
import { Deviation } from '../deviation.ts';
import { type InferAnswer, inferPath, jsonRequest, type RequestParts, readInference } from '../rest-server.ts';
import { sameValues } from '../samples.ts';
import { plainModel, type SubjectModel, type Target } from '../target.ts';
import type { Value, ValueTensor } from '../tensors.ts';

export async function ask(target: Target, model: SubjectModel, body: string, version?: string): Promise<InferAnswer> {
  return readInference(await target.rest.send(inferPath(model.name, version), { method: 'POST', body }));
}

export async function askSample(target: Target, parts: RequestParts = {}): Promise<InferAnswer & { model: SubjectModel }> {
  const model = plainModel(target);
  return { model, ...(await ask(target, model, jsonRequest(model.sample, parts))) };
}

/** Another way to write the same request gives the same outputs. */
export const sameAs =
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
