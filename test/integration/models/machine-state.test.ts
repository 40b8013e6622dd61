import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type GoldenSample, readGoldenSet, type StoredModel, storedModels } from './model-store.ts';

const versions = (await storedModels()).filter(({ family }) => family === 'machine-state');
const [first, second] = versions;
if (first === undefined || second === undefined) throw new Error('model_store/machine-state has no versions 1 and 2');

async function load(model: StoredModel): Promise<InferenceSession> {
  return InferenceSession.create(path.join(model.directory, model.variants[0]?.file ?? ''));
}

async function goldenSet(model: StoredModel): Promise<GoldenSample[]> {
  return readGoldenSet(path.join(model.directory, model.goldenSet?.file ?? ''));
}

async function probabilities(session: InferenceSession, sample: GoldenSample): Promise<number[]> {
  const [input] = sample.inputs;
  if (input === undefined) throw new Error('a golden sample has no input');
  const { probabilities: output } = await session.run({ [input.name]: new Tensor('float32', input.data, input.shape) });
  return Array.from(output?.data as Float32Array);
}

const argmax = (values: number[]) => values.indexOf(Math.max(...values));

/** Rows: true class, columns: answered class. */
async function confusion(session: InferenceSession, samples: GoldenSample[]): Promise<number[][]> {
  const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
  for (const sample of samples) {
    const row = counts[sample.label] ?? [];
    const answer = argmax(await probabilities(session, sample));
    row[answer] = (row[answer] ?? 0) + 1;
  }
  return counts;
}

function accuracy(counts: number[][]): number {
  const right = counts.reduce((sum, row, index) => sum + (row[index] ?? 0), 0);
  return right / counts.flat().reduce((sum, count) => sum + count, 0);
}

describe.each(versions)('machine-state $version', (model) => {
  it('takes raw windows in batches of any size and gives probabilities', async () => {
    const session = await load(model);
    expect(session.inputMetadata).toMatchObject([{ name: 'window', type: 'float32', shape: ['batch', 60, 4] }]);
    expect(session.outputMetadata).toMatchObject([{ name: 'probabilities', type: 'float32', shape: ['batch', 4] }]);
    const { probabilities: output } = await session.run({ window: new Tensor('float32', new Float32Array(3 * 240), [3, 60, 4]) });
    expect(output?.dims).toEqual([3, 4]);
  });

  it('answers its golden set as the original did, and right', async () => {
    const session = await load(model);
    const samples = await goldenSet(model);
    expect(samples.length).toBe(model.goldenSet?.samples);
    expect(samples.length).toBeGreaterThanOrEqual(200);
    let right = 0;
    for (const sample of samples) {
      const answer = await probabilities(session, sample);
      for (const [index, reference] of (sample.outputs[0]?.data ?? []).entries()) expect(answer[index]).toBeCloseTo(reference, 4);
      if (argmax(answer) === sample.label) right += 1;
    }
    expect((1000 * right) / samples.length).toBeGreaterThanOrEqual(model.goldenSet?.minimumPermille ?? 1000);
  });

  it('has a golden set with as many samples of every class', async () => {
    const samples = await goldenSet(model);
    const counts = (model.classLabels ?? []).map((_, label) => samples.filter((sample) => sample.label === label).length);
    expect(counts).toEqual(Array(4).fill(samples.length / 4));
  });
});

describe('a drifted plant', () => {
  it('is misread by version 1 and understood by version 2, which forgets nothing', async () => {
    const standard = await goldenSet(first);
    const known = new Set(standard.map((sample) => JSON.stringify(sample.inputs)));
    const drifted = (await goldenSet(second)).filter((sample) => !known.has(JSON.stringify(sample.inputs)));
    expect(drifted.length).toBe(200);

    const before = await confusion(await load(first), drifted);
    expect(accuracy(before)).toBeLessThan(0.75);
    // A worn drive that runs hot looks to version 1 like a damaged bearing.
    expect(before[2]?.[1]).toBeGreaterThan(40);

    const candidate = await load(second);
    expect(accuracy(await confusion(candidate, drifted))).toBeGreaterThanOrEqual(0.95);
    expect(accuracy(await confusion(candidate, standard))).toBeGreaterThanOrEqual(0.99);
  });
});
