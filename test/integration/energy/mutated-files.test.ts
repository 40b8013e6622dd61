// MUTANTS=5000 tries more of them, as `npm run verify:long` does; the same numbers are the same files everywhere.
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mutantLimits, readMutant, soundModels } from '../../support/mutated-models.ts';

const count = Number(process.env['MUTANTS'] ?? 48);
/** What a busy machine may take beyond the limit to start and end the process. */
const graceSeconds = 10;

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
    const { outcome, seconds } = await readMutant(models, index, path.join(folder, 'mutant.onnx'));
    expect(seconds, `mutant ${index}`).toBeLessThan(mutantLimits.seconds + graceSeconds);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect(outcomes.size).toBeGreaterThan(2);
  // Every analysis has removed its scratch directory.
  expect(await readdir(scratch)).toEqual([]);
});
