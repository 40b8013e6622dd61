// `jouleops train` as a person meets it, on tables that are made here.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cellOperators } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { parsePredictor } from '../../../energy/prediction/predictor.ts';
import { cellFeatures } from '../../../energy/prediction/training/cell-rows.ts';
import { randomGenerator } from '../../../energy/prediction/training/folds.ts';
import { jouleops } from '../../support/cli.ts';

const name = 'raspberry-pi-5-corerail-onnxruntime';
const file = 'nasbench201_pi5_onnxruntime.csv';

function table(rows: number): string[] {
  const random = randomGenerator(3);
  const operator = () => cellOperators[1 + Math.floor(random() * (cellOperators.length - 1))] ?? 'skip_connect';
  return [
    'device_class,runtime,architecture,task,input_shape,latency_ms,core_energy_mj',
    ...Array.from({ length: rows }, () => {
      const cell = `|${operator()}~0|+|${operator()}~0|${operator()}~1|+|${operator()}~0|${operator()}~1|${operator()}~2|`;
      const { macs, bytes } = cellFeatures(cell, '1x3x32x32', 'cifar100');
      const millijoules = (macs / 1e7 + bytes / 1e6) * (0.98 + 0.04 * random());
      return `raspberry-pi-5,onnxruntime,${cell},cifar100,1x3x32x32,${millijoules / 2},${millijoules}`;
    }),
  ];
}

describe('jouleops train', () => {
  let directory: string;
  const lines = table(80);
  const run = (data: string, out: string, ...more: string[]) =>
    jouleops(['train', '--data', data, '--out', out, '--only', name, ...more], { cwd: directory, limitSeconds: 50 });
  const tables = async (folder: string, text: string) => {
    await mkdir(path.join(directory, folder), { recursive: true });
    await writeFile(path.join(directory, folder, file), text);
  };
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-train-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('writes a predictor, the same bytes for the same tables, and no other contents under a version that is there', async () => {
    await tables('good', lines.join('\n'));
    const [first, second] = await Promise.all([run('good', 'one', '--output', 'json'), run('good', 'two')]);
    expect({ code: first.code, code2: second.code }, first.stderr).toEqual({ code: 0, code2: 0 });
    expect(JSON.parse(first.stdout)).toMatchObject([{ predictor: `${name}@1`, rows: 80, file: `one/${name}.json` }]);
    expect(first.stderr).toContain('testing the interval on nested folds');
    const text = await readFile(path.join(directory, 'one', `${name}.json`), 'utf8');
    expect(await readFile(path.join(directory, 'two', `${name}.json`), 'utf8')).toBe(text);
    expect(parsePredictor(text).card.rows).toBe(80);
    await tables('fewer', lines.slice(0, -8).join('\n'));
    const refused = await run('fewer', 'one');
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toMatch(/@1 with other contents\n {2}next: .*--replace/);
    expect(await readFile(path.join(directory, 'one', `${name}.json`), 'utf8')).toBe(text);
    await writeFile(path.join(directory, 'two', `${name}.json`), text.slice(0, 100));
    expect((await run('fewer', 'two')).stderr).toContain(`two/${name}.json: the predictor is not JSON`);
  });

  it.each([
    ['a cell that is no number', (text: string[]) => text.with(4, `${text[4]}x`), /csv, line 5, column core_energy_mj: it holds/],
    [
      'an energy of zero',
      (text: string[]) => text.with(2, text[2]?.replace(/[^,]+$/, '0') ?? ''),
      /line 3, column core_energy_mj: it holds "0" where a number above zero is needed/,
    ],
    ['a row cut short', (text: string[]) => text.with(7, 'raspberry-pi-5'), /csv, line 8: 1 cells, the header has 7/],
    [
      'a column that is missing',
      (text: string[]) => text.map((line) => line.replace(/,[^,]+$/, '')),
      /line 2: there is no column core_energy_mj/,
    ],
  ])('%s is named by file, line and column', async (_, damage, says) => {
    await tables('damaged', damage(lines).join('\n'));
    const answer = await run('damaged', 'none');
    expect(answer).toMatchObject({ code: 1, stdout: '' });
    expect(answer.stderr).toMatch(says);
    expect(answer.stderr).toMatch(/\n {2}next: data\/manifests\/nasbench201-pi5\.yaml says/);
  });

  it.each([
    ['no such directory', ['--data', 'absent', '--out', 'x'], 2, /--data absent is not a directory/],
    ['no such table', ['--data', '.', '--out', 'x'], 1, /there is no such file, and .* is trained on it/],
    ['no such predictor', ['--data', '.', '--out', 'x', '--only', 'toaster'], 2, /--only toaster .*\n {2}next: use one of/],
  ])('%s', async (_, args, code, says) => {
    const answer = await jouleops(['train', ...args], { cwd: directory });
    expect(answer.code).toBe(code);
    expect(answer.stderr).toMatch(says);
  });
});
