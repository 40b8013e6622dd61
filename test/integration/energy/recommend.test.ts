// `jouleops recommend` as a person and as a script meet it.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { jouleops } from '../../support/cli.ts';

const heavy = '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|';
const light = '|nor_conv_1x1~0|+|skip_connect~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|skip_connect~2|';

describe('jouleops recommend', () => {
  let directory: string;
  const ask = (...args: string[]) =>
    jouleops(['recommend', ...args, '--device', 'raspberry-pi-5', '--boundary', 'CoreRail'], { cwd: directory });
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-recommend-'));
    for (const [name, cell] of [
      ['heavy', heavy],
      ['light', light],
    ] as const) {
      await mkdir(path.join(directory, 'models', name), { recursive: true });
      const model = nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed: 1 });
      await writeFile(path.join(directory, 'models', name, 'model.onnx'), model);
    }
    await writeFile(path.join(directory, 'models', 'damaged.onnx'), 'not a model at all');
    await mkdir(path.join(directory, 'none'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('ranks what fits the budget first, says why, and lists what cannot be read', async () => {
    const answer = await ask('models', '--max-energy', '8mJ', '--plot', 'plot.svg', '--output', 'json');
    expect(answer.code, answer.stderr).toBe(0);
    const { recommendations, refused } = JSON.parse(answer.stdout) as { recommendations: object[]; refused: object[] };
    expect(recommendations).toMatchObject([
      { rank: 1, file: 'models/light/model.onnx', verdict: 'WithinBudget', advice: 'Deploy', boundary: 'CoreRail' },
      { rank: 2, file: 'models/heavy/model.onnx', verdict: 'ExceedsBudget', advice: 'DoNotDeploy' },
    ]);
    expect(refused).toMatchObject([{ file: 'models/damaged.onnx', reason: 'NotOnnx' }]);
    const plot = await readFile(path.join(directory, 'plot.svg'), 'utf8');
    expect(plot.match(/<circle [^>]*><title>/g)).toHaveLength(2);
    expect(plot).toContain('budget 8mJ');
    expect(plot).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('two predictors of one class and boundary rank the models apart, each once; a simulated class is called what it was called', async () => {
    const shipped = new URL('../../../data/predictors/raspberry-pi-5-corerail-onnxruntime.json', import.meta.url);
    const own = JSON.parse(await readFile(shipped, 'utf8')) as { name: string };
    await writeFile(path.join(directory, 'own.json'), JSON.stringify({ ...own, name: 'my-own' }));
    const all = [
      'recommend',
      'models',
      '--device',
      'all',
      '--boundary',
      'CoreRail',
      '--predictors',
      'own.json',
      '--plot',
      'two.svg',
      '--output',
      'json',
    ];
    const { recommendations } = JSON.parse((await jouleops(all, { cwd: directory })).stdout) as {
      recommendations: { rank: number; file: string; prediction: { predictor: string } }[];
    };
    expect(recommendations.map(({ rank, prediction }) => `${prediction.predictor} ${rank}`)).toEqual([
      'my-own@1 1',
      'my-own@1 2',
      'raspberry-pi-5-corerail-onnxruntime@1 1',
      'raspberry-pi-5-corerail-onnxruntime@1 2',
    ]);
    const plot = await readFile(path.join(directory, 'two.svg'), 'utf8');
    expect(plot).toContain('>raspberry-pi-5, CoreRail, my-own@1<');
    expect(plot).toContain('>raspberry-pi-5, CoreRail, raspberry-pi-5-corerail-onnxruntime@1<');
    const simulated = ['recommend', 'models/light', '--device', 'raspberry-pi-5-simulated', '--runtime', 'onnxruntime'];
    const answer = await jouleops(simulated, { cwd: directory });
    expect(answer.stdout).toContain('raspberry-pi-5-simulated (Board)');
    expect(answer.stdout).toContain('transferred, runtime: card pytorch, device onnxruntime');
  });

  it('the plot has declared accuracy for its second axis where every model declares it, and latency where one does not', async () => {
    const declare = (name: string, declaredAccuracyPermille: number) =>
      writeFile(
        path.join(directory, 'models', name, 'model.yaml'),
        `variants: [{ file: model.onnx, declaredAccuracyPermille: ${declaredAccuracyPermille} }]\n`,
      );
    await declare('light', 880);
    await ask('models', '--plot', 'one-declares.svg');
    expect(await readFile(path.join(directory, 'one-declares.svg'), 'utf8')).toContain('predicted latency, ms');
    await declare('heavy', 930);
    const answer = await ask('models', '--plot', 'both-declare.svg', '--output', 'json');
    expect(JSON.parse(answer.stdout)).toMatchObject({
      recommendations: [{ accuracyPermille: 880 }, { accuracyPermille: 930 }],
    });
    const plot = await readFile(path.join(directory, 'both-declare.svg'), 'utf8');
    expect(plot).toContain('declared accuracy, %');
    expect(plot).not.toMatch(/latency|NaN|Infinity|undefined/);
    // The better one needs more energy and stands higher: both are on the front.
    const dots = [...plot.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="5" fill="#\w+"><title>models\/(\w+)/g)];
    const at = new Map(dots.map(([, x, y, name]) => [name, { x: Number(x), y: Number(y) }]));
    expect(at.get('heavy')?.x).toBeGreaterThan(at.get('light')?.x ?? Number.NaN);
    expect(at.get('heavy')?.y).toBeLessThan(at.get('light')?.y ?? Number.NaN);
    expect(/<polyline points="([^"]+)"/.exec(plot)?.[1]?.split(' ')).toHaveLength(2);
  });

  it('a size or a latency that is not held is named, and nothing recommended ends with 3', async () => {
    const small = await ask('models', '--max-size', '1KB');
    expect(small.stdout).toMatch(/file of \d\.\d MB > 0\.0 MB/);
    const slow = await ask('models', '--max-latency', '0.1ms', '--max-energy', '1J');
    expect(slow.code).toBe(3);
    expect(slow.stdout).toMatch(/predicted latency \S+ s > 0\.0001 s/);
  });

  it.each([
    ['an empty directory', ['none'], /there is no \.onnx file in none/],
    ['a path that is not there', ['absent'], /absent: there is no such file/],
    ['an energy without a unit', ['models', '--max-energy', '80'], /--max-energy 80 is not an energy\n {2}next: .*80mJ/],
    ['a latency without a unit', ['models', '--max-latency', '5'], /--max-latency 5 is not understood/],
  ])('%s is wrong usage', async (_, args, says) => {
    const answer = await ask(...args);
    expect(answer).toMatchObject({ code: 2, stdout: '' });
    expect(answer.stderr).toMatch(says);
  });
});
