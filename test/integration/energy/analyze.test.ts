import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GraphAnalysis, nodeClasses } from '../../../energy/graph/analysis.ts';
import { type AnalysisOptions, analyzeGraph, UnsupportedModelError } from '../../../energy/graph/extract/analyze.ts';
import { GraphBuilder } from '../../../energy/onnx/builder.ts';
import type { ModelProto } from '../../../energy/onnx/messages.ts';
import { readModel, writeModel } from '../../../energy/onnx/model.ts';
import { type ClassicNetworkName, classicNetworks } from '../../../energy/onnx/networks/classic-networks.ts';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { attributeOf, floatTensor, nodeOf, tensorOf } from '../../../energy/onnx/nodes.ts';
import { cellFeatures } from '../../../energy/prediction/training/cell-rows.ts';
import { parseTable } from '../../../energy/prediction/training/table.ts';
import { featuresFromTable } from '../../../energy/prediction/training/timm-rows.ts';
import { eventually } from '../../support/eventually.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'analyze-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const never = new AbortController().signal;
let files = 0;

async function store(bytes: Uint8Array | string, name = `model-${files++}.onnx`): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, bytes);
  return file;
}

async function analyze(bytes: Uint8Array | string, options: Partial<AnalysisOptions> = {}): Promise<GraphAnalysis> {
  return analyzeGraph(await store(bytes), { signal: never, ...options });
}

async function refusal(bytes: Uint8Array | string, options: Partial<AnalysisOptions> = {}): Promise<UnsupportedModelError> {
  const error = await analyze(bytes, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UnsupportedModelError);
  return error as UnsupportedModelError;
}

function small(change: (builder: GraphBuilder) => void = () => undefined, batch: number | string = 1): Uint8Array {
  const builder = new GraphBuilder({ name: 'small', weights: { kind: 'random', seed: 1 } });
  const input = builder.input('x', [batch, 3, 16, 16]);
  const features = builder.relu(builder.conv(input, { filters: 8, kernel: 3 }));
  change(builder);
  builder.output('y', builder.gemm(builder.flatten(builder.globalAveragePool(features)), 10));
  return builder.build();
}

function changed(
  bytes: Uint8Array,
  change: (model: ModelProto & { graph: NonNullable<ModelProto['graph']> }) => void,
): Uint8Array {
  const model = readModel(bytes);
  change(model);
  return writeModel(model);
}

describe('features of a file', () => {
  it('count what one convolution, its activation, a pool and a classifier cost', async () => {
    const analysis = await analyze(small());
    const { classes } = analysis.features;
    expect(analysis).toMatchObject({ path: 'profiled', opset: 17, precision: 'fp32' });
    expect(analysis.inputs).toEqual([{ name: 'x', datatype: 'FP32', shape: [1, 3, 16, 16] }]);
    expect(classes.conv3x3).toEqual({
      nodes: 1,
      macs: 16 * 16 * 8 * 27,
      bytes: 4 * 16 * 16 * (3 + 8),
      weightBytes: 4 * (8 * 27 + 8),
      outputElements: 16 * 16 * 8,
    });
    expect(classes.gemm).toEqual({ nodes: 1, macs: 80, bytes: 4 * 18, weightBytes: 4 * 90, outputElements: 10 });
    expect(classes.reduction.nodes).toBe(1);
    expect(classes.activation.nodes).toBe(0);
    expect(analysis.features.fusedActivations).toBe(1);
    expect(analysis.features.parameters).toBe(8 * 27 + 8 + 90);
    expect(analysis.residentBytes).toBeGreaterThan(0);
  });

  it('are the same every time, and whatever the weights', async () => {
    const cell = '|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|';
    const options = { inputShape: [3, 32, 32], classes: 10 } as const;
    const first = await analyze(nasBench201(cell, { ...options, seed: 1 }));
    const again = await analyze(nasBench201(cell, { ...options, seed: 1 }));
    const other = await analyze(nasBench201(cell, { ...options, seed: 2 }));
    expect(again.features).toEqual(first.features);
    expect(other.features).toEqual(first.features);
  });

  it('grow with the input size', async () => {
    const cell = '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|';
    const at = async (side: number) =>
      (await analyze(nasBench201(cell, { inputShape: [3, side, side], classes: 10, seed: 1 }))).features.macs;
    expect(await at(64)).toBeGreaterThan(3.9 * (await at(32)));
  });

  it('computed without running equal the profiled ones on NAS-Bench-201 networks, but for the peak', async () => {
    const cells = [
      '|skip_connect~0|+|none~0|nor_conv_3x3~1|+|avg_pool_3x3~0|avg_pool_3x3~1|none~2|',
      '|nor_conv_1x1~0|+|nor_conv_3x3~0|skip_connect~1|+|nor_conv_1x1~0|nor_conv_1x1~1|nor_conv_1x1~2|',
      '|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|nor_conv_3x3~2|',
    ];
    for (const cell of cells) {
      const { features } = await analyze(nasBench201(cell, { inputShape: [1, 52, 16], classes: 18, seed: 3 }));
      expect({ ...cellFeatures(cell, '1x1x52x16', 'ninapro'), peakActivationBytes: 0 }).toEqual({
        ...features,
        peakActivationBytes: 0,
      });
    }
  });

  it('include prepacked and folded weights, and count a constant-filled network as the full one', async () => {
    const build = (weights: 'random' | 'constant') => {
      const builder = new GraphBuilder({
        name: 'gemms',
        weights: weights === 'random' ? { kind: 'random', seed: 1 } : { kind: 'constant', seed: 1, minimumElements: 16 },
      });
      let value = builder.input('x', [1, 64]);
      for (let layer = 0; layer < 3; layer += 1) value = builder.relu(builder.gemm(value, 64));
      builder.output('y', value);
      return builder.build();
    };
    const [full, filled] = await Promise.all([analyze(build('random')), analyze(build('constant'))]);
    expect(full.features.classes.gemm.weightBytes).toBe(3 * 4 * (64 * 64 + 64));
    expect(filled.features).toEqual(full.features);
  });
});

/** Millions of multiply–adds and parameters as published; 1 % for parameters and MACs. */
const published: [ClassicNetworkName, number, number][] = [
  ['resnet18', 1814, 11.69],
  ['resnet50', 4089, 25.56],
  ['resnext50_32x4d', 4230, 25.03],
  ['mobilenetv2_100', 300.8, 3.505],
  ['efficientnet_b0', 385.8, 5.289],
  ['densenet121', 2834, 7.979],
  ['convnext_tiny', 4456, 28.59],
  ['vit_tiny_patch16_224', 1254, 5.717],
];
/** Their graphs are written exactly as the reference table's exporter does. */
const sameGraph = new Set(['resnet18', 'resnet50', 'mobilenetv2_100', 'efficientnet_b1', 'resnext50_32x4d']);
const reference = path.join(import.meta.dirname, '../../../../shared/data/energy/timm_features.csv');

describe('classic networks', () => {
  it.each(published)('%s has %d million multiply–adds and %d million parameters', async (name, megaMacs, megaParameters) => {
    const { features } = await analyze(classicNetworks[name]({ kind: 'constant', seed: 1, minimumElements: 64 }));
    expect(Math.abs(features.macs / 1e6 / megaMacs - 1)).toBeLessThan(0.01);
    expect(Math.abs(features.parameters / 1e6 / megaParameters - 1)).toBeLessThan(0.01);
  });

  it.skipIf(!existsSync(reference))(
    'agree class by class with a reference extraction (needs the measurement tables beside the project)',
    async () => {
      const rows = parseTable(readFileSync(reference, 'utf8'), 'timm_features.csv').filter(
        ({ cells }) => cells['input_pixels'] === '224',
      );
      const compared: string[] = [];
      for (const row of rows) {
        const name = row.cells['architecture'] as ClassicNetworkName;
        if (!sameGraph.has(name)) continue;
        compared.push(name);
        const expected = featuresFromTable(row);
        const { features } = await analyze(classicNetworks[name]({ kind: 'constant', seed: 1, minimumElements: 64 }));
        for (const nodeClass of nodeClasses) {
          if (nodeClass === 'noop') continue;
          for (const key of ['nodes', 'macs', 'bytes', 'weightBytes'] as const)
            expect(
              Math.abs(features.classes[nodeClass][key] - expected.classes[nodeClass][key]),
              `${name} ${nodeClass} ${key}`,
            ).toBeLessThanOrEqual(0.002 * expected.classes[nodeClass][key]);
        }
      }
      expect(compared.length).toBeGreaterThanOrEqual(4);
    },
  );
});

describe('dimensions', () => {
  it('a symbolic batch is one', async () => {
    expect((await analyze(small(undefined, 'N'))).features).toEqual((await analyze(small())).features);
  });

  it('a symbolic size must be given, and then decides', async () => {
    const dynamic = changed(small(), ({ graph }) => {
      for (const axis of [2, 3]) {
        const dimension = graph.input[0]?.type?.tensorType?.shape?.dim[axis];
        if (!dimension) throw new Error('the input has four dimensions');
        delete dimension.dimValue;
        dimension.dimParam = axis === 2 ? 'height' : 'width';
      }
    });
    const { reason, message } = await refusal(dynamic);
    expect(reason).toBe('Invalid');
    expect(message).toContain('give height=SIZE');
    const { features, inputs } = await analyze(dynamic, { dimensions: { height: 32, width: 16 } });
    expect(features.classes.conv3x3.macs).toBe(2 * 16 * 16 * 8 * 27);
    expect(inputs[0]?.shape).toEqual([1, 3, -1, -1]);
    expect((await refusal(dynamic, { dimensions: { height: 0, width: 16 } })).message).toContain('is 0');
  });
});

describe('what cannot be analysed is refused with a reason', () => {
  it.each([
    ['an empty file', '', 'NotOnnx', 'empty'],
    ['a web page', '<!DOCTYPE html><html><body>404</body></html>', 'NotOnnx', 'web page'],
    ['text', 'hello, world, this is not a model', 'NotOnnx', 'not an ONNX model'],
  ])('%s', async (_, bytes, reason, words) => {
    const error = await refusal(bytes);
    expect(error.reason).toBe(reason);
    expect(error.message).toContain(words);
  });

  it('a truncated file', async () => {
    const bytes = small();
    expect((await refusal(bytes.subarray(0, bytes.length >> 1))).reason).toBe('NotOnnx');
  });

  it('a missing file', async () => {
    await expect(analyzeGraph(path.join(folder, 'absent.onnx'), { signal: never })).rejects.toThrow(/absent\.onnx/);
  });

  it.each([3, 99])('opset %d', async (version) => {
    const bytes = changed(small(), (model) => {
      model.opsetImport = [{ version }];
    });
    expect(await refusal(bytes)).toMatchObject({
      reason: 'UnsupportedOpset',
      message: expect.stringContaining(`opset ${version}`) as string,
    });
  });

  it('an operator that the runtime does not have', async () => {
    const bytes = changed(small(), ({ graph }) => {
      const relu = graph.node.find((node) => node.opType === 'Relu');
      if (relu) relu.opType = 'Teleport';
    });
    expect(await refusal(bytes)).toMatchObject({
      reason: 'UnsupportedOperator',
      message: expect.stringContaining('Teleport') as string,
    });
  });

  it('control flow, without running it', async () => {
    const bytes = changed(small(), ({ graph }) => {
      const [first] = graph.node;
      if (first) first.attribute.push({ ...attributeOf('body', 1), g: { ...graph, node: [], initializer: [] } });
    });
    expect((await refusal(bytes)).reason).toBe('ControlFlow');
  });

  it('a few bytes that would become gigabytes, before they do', async () => {
    const bomb = small((builder) => {
      const shape = builder.integers('huge', [100_000, 100_000]);
      builder.node('ConstantOfShape', [shape], [100_000, 100_000], { value: floatTensor('', [1], [1]) });
    });
    const started = performance.now();
    const { reason, message } = await refusal(bomb);
    expect(reason).toBe('Materializes');
    expect(message).toContain('40000000');
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('sparse weights, which unfold to what nothing has bounded', async () => {
    const bytes = changed(small(), ({ graph }) => {
      const values = floatTensor('few', [1], [1]);
      const indices = tensorOf('', 'int64', [1], new Uint8Array(8));
      graph.sparseInitializer.push({ values, indices, dims: [100_000, 100_000] });
      graph.node.push(nodeOf('Relu', ['few'], ['many']));
    });
    expect(await refusal(bytes)).toMatchObject({
      reason: 'Invalid',
      message: expect.stringContaining('"few" is stored as a sparse') as string,
    });
  });

  it('more memory than allowed while running', async () => {
    const builder = new GraphBuilder({ name: 'wide', weights: { kind: 'random', seed: 1 } });
    const input = builder.input('x', [1, 3, 1024, 1024]);
    // Sixteen maps of 32 MiB, all alive until the last is made.
    const maps = Array.from({ length: 16 }, () => builder.relu(builder.conv(input, { filters: 8, kernel: 3 })));
    builder.output(
      'y',
      maps.reduce((sum, map) => builder.add(sum, map)),
    );
    const { reason } = await refusal(builder.build(), { limits: { memoryBytes: 200 * 2 ** 20 } });
    expect(reason).toBe('OutOfMemory');
  });

  it('a graph that is too large to run is not run, and the analysis says so', async () => {
    const builder = new GraphBuilder({ name: 'large', weights: { kind: 'constant', seed: 1, minimumElements: 16 } });
    let value = builder.input('x', [1, 4096]);
    for (let layer = 0; layer < 4; layer += 1) value = builder.relu(builder.gemm(value, 4096));
    builder.output('y', value);
    const bytes = builder.build();
    const analysis = await analyze(bytes, { limits: { memoryBytes: 256 * 2 ** 20 } });
    expect(analysis.path).toBe('static');
    expect(analysis.residentBytes).toBeUndefined();
    const { features } = await analyze(bytes);
    expect({ ...analysis.features, initializerBytes: 0 }).toEqual({ ...features, initializerBytes: 0 });
  });

  it('more time than allowed', async () => {
    expect(await refusal(small(), { limits: { seconds: 0.02 } })).toMatchObject({ reason: 'Timeout' });
  });

  it('more nodes or bytes than allowed', async () => {
    expect((await refusal(small(), { limits: { maximumNodes: 2 } })).reason).toBe('TooLarge');
    expect((await refusal(small(), { limits: { fileBytes: 100 } })).reason).toBe('TooLarge');
  });
});

it('an aborted analysis ends with the signal’s reason and leaves nothing behind', async () => {
  const controller = new AbortController();
  const pending = analyzeGraph(await store(small()), { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(pending).rejects.toThrow('enough');
});

it('an analysis that is aborted before its process starts does not wait for it', async () => {
  // Reading it never ends.
  const file = path.join(folder, 'pipe.onnx');
  execFileSync('mkfifo', [file]);
  const controller = new AbortController();
  const pending = analyzeGraph(file, { signal: controller.signal, limits: { seconds: 60 } });
  controller.abort(new Error('enough'));
  await expect(pending).rejects.toThrow('enough');
}, 10_000);

it.skipIf(!existsSync('/usr/bin/prlimit'))(
  'the reading process has its processor time bounded by the system, should its parent die',
  async () => {
    const file = path.join(folder, 'pipe-for-limits.onnx');
    execFileSync('mkfifo', [file]);
    const controller = new AbortController();
    const pending = analyzeGraph(file, { signal: controller.signal, limits: { seconds: 60 } }).catch((error: unknown) => error);
    try {
      await eventually(async () => {
        const commands = await Promise.all(
          (await readdir('/proc'))
            .filter((name) => /^\d+$/.test(name))
            .map(async (pid) => ({
              pid,
              command: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
            })),
        );
        const child = commands.find(({ command }) => command.includes('pipe-for-limits.onnx'));
        expect(await readFile(`/proc/${child?.pid}/limits`, 'utf8')).toMatch(/^Max cpu time +121 +/m);
      }, 20);
    } finally {
      controller.abort(new Error('enough'));
    }
    expect(await pending).toEqual(new Error('enough'));
  },
  30_000,
);

describe('weights beside the file', () => {
  function external(location: string, offset = 0): Uint8Array {
    return changed(small(), ({ graph }) => {
      const weight = graph.initializer.find((tensor) => tensor.dims.length === 4);
      if (!weight) throw new Error('no weight');
      delete weight.rawData;
      weight.dataLocation = 1;
      weight.externalData = [
        { key: 'location', value: location },
        { key: 'offset', value: String(offset) },
      ];
    });
  }
  const weightBytes = 4 * 8 * 27;

  it('are found in the model’s own folder, or where the caller says', async () => {
    await writeFile(path.join(folder, 'weights.bin'), new Uint8Array(weightBytes));
    const expected = (await analyze(small())).features;
    expect((await analyze(external('weights.bin'))).features).toEqual(expected);
    const elsewhere = await store(new Uint8Array(weightBytes), 'blob');
    expect((await analyze(external('named/elsewhere'), { externalData: { 'named/elsewhere': elsewhere } })).features).toEqual(
      expected,
    );
  });

  it.each(['../secret.bin', '/etc/passwd', 'missing.bin', '', 'sub/../../secret.bin'])(
    'at "%s" are refused',
    async (location) => {
      expect((await refusal(external(location))).reason).toBe('ExternalData');
    },
  );

  it('behind a link that leads outside are refused', async () => {
    await mkdir(path.join(folder, 'inside'), { recursive: true });
    const link = path.join(folder, 'inside', 'link.bin');
    if (!existsSync(link)) await symlink('/etc/hostname', link);
    const file = path.join(folder, 'inside', 'model.onnx');
    await writeFile(file, external('link.bin'));
    await expect(analyzeGraph(file, { signal: never })).rejects.toMatchObject({ reason: 'ExternalData' });
  });

  it('of a node’s own are refused, wherever they lie: the runtime would open them', async () => {
    const bytes = changed(small(), ({ graph }) => {
      const weight = graph.initializer.find((tensor) => tensor.dims.length === 4);
      if (!weight) throw new Error('no weight');
      graph.initializer = graph.initializer.filter((tensor) => tensor !== weight);
      const constant = nodeOf('Constant', [], [weight.name ?? '']);
      const { rawData: _, ...rest } = weight;
      const elsewhere = { ...rest, dataLocation: 1, externalData: [{ key: 'location', value: '../secret.bin' }] };
      constant.attribute = [attributeOf('value', elsewhere)];
      graph.node.unshift(constant);
    });
    expect(await refusal(bytes)).toMatchObject({
      reason: 'ExternalData',
      message: expect.stringContaining('of a node') as string,
    });
  });

  it('that end too early are refused', async () => {
    expect(await refusal(external('weights.bin', 8))).toMatchObject({
      reason: 'ExternalData',
      message: expect.stringContaining('weights.bin') as string,
    });
  });
});

it('weights of gigabytes beside the file are counted without being read or run', async () => {
  const builder = new GraphBuilder({ name: 'huge', weights: { kind: 'constant', seed: 1, minimumElements: 16 } });
  const units = 16_384;
  const value = builder.input('x', [1, units]);
  builder.output('y', builder.relu(builder.gemm(builder.relu(builder.gemm(value, units)), units)));
  const beside = path.join(folder, 'huge.bin');
  const bytes = 4 * units * units;
  const bytesOfModel = changed(builder.build(), ({ graph }) => {
    for (const node of graph.node.filter(({ opType }) => opType === 'Gemm')) {
      const [, weight = ''] = node.input;
      graph.node = graph.node.filter(({ output }) => output[0] !== weight);
      const tensor = { ...floatTensor(weight, [units, units], []), dataLocation: 1 };
      delete tensor.rawData;
      const offset = String(bytes * graph.initializer.filter(({ dataLocation }) => dataLocation === 1).length);
      tensor.externalData = [
        { key: 'location', value: 'huge.bin' },
        { key: 'offset', value: offset },
      ];
      graph.initializer.push(tensor);
    }
  });
  // A file with holes: it has its size, and takes no space.
  await writeFile(beside, '');
  await truncate(beside, 2 * bytes);
  const started = performance.now();
  const analysis = await analyze(bytesOfModel, { limits: { materializedBytes: 8 * 2 ** 30 } });
  expect(analysis.path).toBe('static');
  expect(analysis.features.classes.gemm).toMatchObject({ nodes: 2, macs: 2 * units * units });
  expect(analysis.features.parameters).toBe(2 * (units * units + units));
  expect(performance.now() - started).toBeLessThan(20_000);
  expect((await refusal(bytesOfModel)).reason).toBe('Materializes');
});

describe('number formats', () => {
  it('quantised operators are counted as what they compute, at their own size', async () => {
    const bytes = changed(small(), ({ graph }) => {
      const scalar = (name: string, zero: boolean) =>
        zero ? tensorOf(name, 'uint8', [], new Uint8Array(1)) : floatTensor(name, [], [0.02]);
      const around = (name: string) => {
        graph.initializer.push(scalar(`${name}/scale`, false), scalar(`${name}/zero`, true));
        const inputs = [`${name}/scale`, `${name}/zero`];
        return [
          nodeOf('QuantizeLinear', [name, ...inputs], [`${name}/q`]),
          nodeOf('DequantizeLinear', [`${name}/q`, ...inputs], [`${name}/dq`]),
        ];
      };
      const index = graph.node.findIndex(({ opType }) => opType === 'Conv');
      const conv = graph.node[index];
      const relu = graph.node.find(({ opType }) => opType === 'Relu');
      const weight = graph.initializer.find(({ name }) => name === conv?.input[1]);
      if (!conv || !relu || !weight) throw new Error('the network has a convolution and an activation');
      const [input = '', weightName = '', biasName = ''] = conv.input;
      const [produced = ''] = relu.output;
      graph.initializer = graph.initializer.filter(({ name }) => name !== weightName && name !== biasName);
      graph.initializer.push(
        tensorOf(`${weightName}/q`, 'int8', weight.dims, new Uint8Array(8 * 27).fill(3)),
        floatTensor(`${weightName}/scale`, [], [0.01]),
        tensorOf(`${weightName}/zero`, 'int8', [], new Uint8Array(1)),
      );
      conv.input = [`${input}/dq`, weightName];
      for (const node of graph.node)
        if (node !== relu) node.input = node.input.map((name) => (name === produced ? `${produced}/dq` : name));
      const dequantized = nodeOf(
        'DequantizeLinear',
        [`${weightName}/q`, `${weightName}/scale`, `${weightName}/zero`],
        [weightName],
      );
      graph.node = [
        ...around(input),
        dequantized,
        conv,
        relu,
        ...around(produced),
        ...graph.node.filter((node) => node !== conv && node !== relu),
      ];
    });
    const [quantized, float] = [await analyze(bytes), await analyze(small())];
    expect(quantized.features.classes.conv3x3.macs).toBe(float.features.classes.conv3x3.macs);
    expect(quantized.features.classes.conv3x3.bytes).toBe(float.features.classes.conv3x3.bytes / 4);
    expect(quantized.features.macs).toBe(float.features.macs);
  });

  it('half floats run', async () => {
    const bytes = changed(small(), ({ graph }) => {
      for (const tensor of graph.initializer) {
        if (tensor.dataType !== 1) continue;
        tensor.dataType = 10;
        tensor.rawData = new Uint8Array(tensor.dims.reduce((product, size) => product * size, 1) * 2);
        tensor.floatData = [];
      }
      for (const value of [...graph.input, ...graph.output]) if (value.type?.tensorType) value.type.tensorType.elemType = 10;
    });
    const analysis = await analyze(bytes);
    expect(analysis).toMatchObject({ precision: 'fp16', inputs: [{ datatype: 'FP16' }] });
  });

  it('quantised weights are counted at their own size', async () => {
    const bytes = changed(small(), ({ graph }) => {
      const index = graph.initializer.findIndex((tensor) => tensor.dims.length === 4);
      const weight = graph.initializer[index];
      const name = weight?.name;
      if (!weight || name === undefined) throw new Error('no weight');
      graph.initializer[index] = {
        ...weight,
        name: `${name}/int8`,
        dataType: 3,
        floatData: [],
        rawData: new Uint8Array(8 * 27).fill(3),
      };
      graph.initializer.push(floatTensor(`${name}/scale`, [], [0.01]));
      graph.initializer.push({ ...floatTensor(`${name}/zero`, [], [0]), dataType: 3, rawData: new Uint8Array(1) });
      graph.node.unshift(nodeOf('DequantizeLinear', [`${name}/int8`, `${name}/scale`, `${name}/zero`], [name]));
    });
    const { features } = await analyze(bytes);
    expect(features.parameters).toBe(8 * 27 + 8 + 90);
    expect(features.macs).toBe((await analyze(small())).features.macs);
  });
});
