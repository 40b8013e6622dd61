// MUTANTS=5000 tries more of them; the same numbers are the same files everywhere.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { analyzeGraph, UnsupportedModelError } from '../../../energy/graph/extract/analyze.ts';
import { mutant, soundModels } from '../../support/mutated-models.ts';

const count = Number(process.env['MUTANTS'] ?? 48);
const limits = { seconds: 20, memoryBytes: 512 * 2 ** 20, materializedBytes: 256 * 2 ** 20 };

let folder = '';
let scratch = '';
const before = process.env['TMPDIR'];
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'mutants-test-'));
  scratch = path.join(folder, 'scratch');
  await mkdir(scratch);
  process.env['TMPDIR'] = scratch;
});
afterAll(async () => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  await rm(folder, { recursive: true, force: true });
});

it(`${count} damaged files are analysed or refused with a reason, within the limits, and the parent lives on`, {
  timeout: 60_000 + count * 2000,
}, async () => {
  const models = soundModels();
  const outcomes = new Map<string, number>();
  for (let index = 0; index < count; index += 1) {
    const file = path.join(folder, `${index}.onnx`);
    await writeFile(file, mutant(models, index));
    const started = performance.now();
    const outcome = await analyzeGraph(file, { signal: new AbortController().signal, limits }).then(
      (analysis) => {
        for (const value of [analysis.features.macs, analysis.features.bytes, analysis.features.parameters])
          expect(Number.isFinite(value) && value >= 0, `mutant ${index}: ${value}`).toBe(true);
        return 'analysed';
      },
      (error: unknown) => {
        expect(error, `mutant ${index}`).toBeInstanceOf(UnsupportedModelError);
        const { reason, message } = error as UnsupportedModelError;
        expect(message.length, `mutant ${index}`).toBeGreaterThan(10);
        return reason;
      },
    );
    expect((performance.now() - started) / 1000, `mutant ${index}`).toBeLessThan(limits.seconds + 10);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    await rm(file);
  }
  process.stdout.write(
    `damaged files: ${JSON.stringify(Object.fromEntries([...outcomes].sort(([left], [right]) => left.localeCompare(right))))}\n`,
  );
  expect(outcomes.size).toBeGreaterThan(2);
  // Every analysis has removed its scratch directory.
  expect(await readdir(scratch)).toEqual([]);
});
