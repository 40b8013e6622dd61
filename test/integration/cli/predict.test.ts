// `jouleops predict` as a person and as a script meet it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../energy/onnx/builder.ts';
import { readModel, writeModel } from '../../../energy/onnx/model.ts';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { floatTensor } from '../../../energy/onnx/nodes.ts';
import { jouleops } from '../../support/cli.ts';

const cell = '|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|';

describe('jouleops predict', () => {
  let directory: string;
  const at = (name: string) => path.join(directory, name);
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-predict-'));
    const model = nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed: 1 });
    const old = readModel(model);
    old.opsetImport = [{ version: 3 }];
    const bomb = new GraphBuilder({ name: 'bomb', weights: { kind: 'constant', seed: 1, minimumElements: 16 } });
    const shape = bomb.integers('huge', [100_000, 100_000]);
    const huge = bomb.node('ConstantOfShape', [shape], [100_000, 100_000], { value: floatTensor('', [1], [1]) });
    bomb.output('y', bomb.matmul(bomb.input('x', [1, 100_000]), huge));
    await writeFile(at('good.onnx'), model);
    await writeFile(at('cut.onnx'), model.subarray(0, model.byteLength >> 1));
    await writeFile(at('old.onnx'), writeModel(old));
    await writeFile(at('bomb.onnx'), bomb.build());
    const plain = new GraphBuilder({ name: 'plain', weights: { kind: 'random', seed: 1 } });
    const input = plain.input('x', [1, 3, 32, 32]);
    plain.output('y', plain.gemm(plain.flatten(plain.globalAveragePool(plain.conv(input, { filters: 8, kernel: 3 }))), 10));
    const half = readModel(plain.build());
    for (const tensor of half.graph.initializer)
      if (tensor.dataType === 1) {
        tensor.dataType = 10;
        tensor.floatData = [];
        tensor.rawData = new Uint8Array(2 * tensor.dims.reduce((product, size) => product * size, 1));
      }
    for (const { type } of [...half.graph.input, ...half.graph.output]) if (type?.tensorType) type.tensorType.elemType = 10;
    const open = readModel(plain.build());
    for (const [axis, symbol] of [
      [2, 'height'],
      [3, 'width'],
    ] as const)
      open.graph.input[0]?.type?.tensorType?.shape?.dim.splice(axis, 1, { dimParam: symbol });
    await writeFile(at('half.onnx'), writeModel(half));
    await writeFile(at('open.onnx'), writeModel(open));
    await writeFile(at('page.onnx'), '<!DOCTYPE html><html><body>404: not found</body></html>');
    await writeFile(at('text.onnx'), 'hello, world, this is not a model');
    await writeFile(at('empty.onnx'), '');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each([
    ['a file that is not there', ['none.onnx'], 2, /none\.onnx: there is no such file\n {2}next: name an \.onnx file/],
    ['a directory', ['.'], 2, /\. is not a file\n {2}next: name an \.onnx file/],
    ['an HTML page', ['page.onnx'], 1, /page\.onnx: NotOnnx: .*web page.*\n {2}next: export .* or fetch it again/],
    ['text', ['text.onnx'], 1, /text\.onnx: NotOnnx: .*not an ONNX model.*\n {2}next: /],
    ['an empty file', ['empty.onnx'], 1, /empty\.onnx: NotOnnx: .*0 bytes.*\n {2}next: /],
    ['a truncated file', ['cut.onnx'], 1, /cut\.onnx: NotOnnx: .*\n {2}next: .*compare size and digest/],
    ['an opset of the past', ['old.onnx'], 1, /old\.onnx: UnsupportedOpset: .*opset 3.*\n {2}next: .*opset_version=17/],
    ['a few bytes that would become 40 GB', ['bomb.onnx'], 1, /bomb\.onnx: Materializes: .*\n {2}next: give .*shapes/],
    [
      'a class without a predictor',
      ['good.onnx', '--device', 'toaster'],
      3,
      /device class toaster has no predictor.*\n {2}next: .*raspberry-pi-5/,
    ],
    [
      'a boundary without a predictor',
      ['good.onnx', '--device', 'jetson-nano', '--boundary', 'CoreRail'],
      3,
      /jetson-nano has no predictor at boundary CoreRail/,
    ],
    [
      'a boundary that no class has a predictor for',
      ['good.onnx', '--boundary', 'Package'],
      3,
      /no device class has a predictor at boundary Package.*\n {2}next: predictors at hand: /,
    ],
    [
      'an unknown boundary',
      ['good.onnx', '--boundary', 'board'],
      2,
      /--boundary board is not known\n {2}next: use one of: Board,/,
    ],
    [
      'an unknown runtime',
      ['good.onnx', '--runtime', 'tf'],
      2,
      /--runtime tf is not known\n {2}next: use one of: onnxruntime, pytorch/,
    ],
    ['an unknown format', ['good.onnx', '--output', 'yaml'], 2, /--output yaml is not known\n {2}next: use one of: table, json/],
    [
      'a size that the file leaves open',
      ['open.onnx'],
      1,
      /open\.onnx: Invalid: .* give height=SIZE\n {2}next: say the size with --dimension NAME=SIZE/,
    ],
    [
      'a dimension without a size',
      ['open.onnx', '--dimension', 'height'],
      2,
      /--dimension height is not NAME=SIZE\n {2}next: write for example --dimension height=224/,
    ],
    ['a confidence that is none', ['good.onnx', '--confidence', '100'], 2, /--confidence 100 is not .*\n {2}next: /],
    ['no file at all', [], 2, /missing required argument 'file'\n {2}next: .*--help/],
  ])('%s: says what and what to do', async (_, args, code, says) => {
    const answer = await jouleops(['predict', ...args], { cwd: directory });
    expect(answer, answer.stderr).toMatchObject({ code, stdout: '' });
    expect(answer.stderr).toMatch(says);
    expect(answer.stderr).not.toMatch(/\n\s+at |E[A-Z]{4,}:/);
  });

  it('--output json: plain SI numbers under the names that scripts rely on', async () => {
    const { code, stdout, stderr } = await jouleops([
      'predict',
      at('good.onnx'),
      '--device',
      'raspberry-pi-5',
      '--output',
      'json',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as Record<string, Record<string, number>>;
    expect(report).toMatchObject({
      deviceClass: 'raspberry-pi-5',
      key: { board: 'raspberry-pi-5', runtime: 'pytorch' },
      boundary: 'Board',
      joulesPerInference: { confidencePercent: 90 },
      latencySeconds: expect.any(Number) as number,
      inDomain: expect.any(Boolean) as boolean,
      transferred: false,
      method: expect.any(String) as string,
      features: { macs: expect.any(Number) as number, parameters: expect.any(Number) as number },
    });
    const { estimate = 0, lower = 0, upper = 0 } = report['joulesPerInference'] ?? {};
    expect(lower).toBeGreaterThan(0);
    expect(estimate).toBeGreaterThan(lower);
    expect(upper).toBeGreaterThan(estimate);
    expect(estimate).toBeLessThan(10);
  });

  it('another runtime than the predictor knows widens the answer and says so; a boundary chooses the predictor', async () => {
    const ask = async (...args: string[]) => {
      const answer = await jouleops(['predict', at('good.onnx'), '--device', 'raspberry-pi-5', ...args, '--output', 'json']);
      return JSON.parse(answer.stdout) as { boundary: string; transferred: boolean; key: { runtime: string } };
    };
    expect(await ask('--runtime', 'onnxruntime')).toMatchObject({ boundary: 'Board', transferred: true });
    expect(await ask('--boundary', 'CoreRail')).toMatchObject({ boundary: 'CoreRail', transferred: false });
  });

  it('a file of half floats is transferred from what was measured with whole ones, in words too', async () => {
    const ask = (...args: string[]) =>
      jouleops(['predict', at('half.onnx'), '--device', 'raspberry-pi-5', '--boundary', 'CoreRail', ...args]);
    const [table, json] = await Promise.all([ask(), ask('--output', 'json')]);
    expect(table.stdout).toContain('transferred, precision: card fp32, device fp16');
    expect(table.stdout).toContain('not known, so taken to match: powerMode, governor, runtimeVersion');
    expect(JSON.parse(json.stdout)).toMatchObject({ transferred: true, key: { precision: 'fp16' }, path: 'profiled' });
  });

  it('sizes that a file leaves open are said with --dimension, and decide', async () => {
    const macs = async (height: number) => {
      const sizes = ['--dimension', `height=${height}`, 'width=32'];
      const answer = await jouleops(['predict', at('open.onnx'), '--device', 'raspberry-pi-5', ...sizes, '--output', 'json']);
      return (JSON.parse(answer.stdout) as { features: { macs: number } }).features.macs;
    };
    const [one, two] = await Promise.all([macs(32), macs(64)]);
    expect(two - one).toBe(32 * 32 * 8 * 27);
  });

  it('an assumed scale is said beside the number', async () => {
    const { stdout } = await jouleops(['predict', at('good.onnx'), '--device', 'raspberry-pi-5']);
    expect(stdout).toContain('raspberry-pi-5-board-pytorch@1: the absolute scale is assumed');
  });

  it('all classes: one row each as a table, a list as JSON', async () => {
    const [table, json] = await Promise.all([
      jouleops(['predict', at('good.onnx')]),
      jouleops(['predict', at('good.onnx'), '--output', 'json']),
    ]);
    expect(table.code).toBe(0);
    expect(table.stdout).toMatch(/^DEVICE CLASS .*\njetson-nano .*\nraspberry-pi-5 /);
    expect((JSON.parse(json.stdout) as unknown[]).length).toBeGreaterThan(1);
  });
});
