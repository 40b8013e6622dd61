import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../../agent/inference/datatypes.ts';
import type { EngineModel } from '../../../agent/inference/engine.ts';
import { createOnnxRuntimeEngine, onnxRuntimeDefaults } from '../../../agent/inference/onnx-runtime-engine.ts';
import { neutralInputs } from '../../../agent/serving/golden-set.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { eventually } from '../../support/eventually.ts';

const fixtures = path.join(import.meta.dirname, 'fixtures');
const engineWith = (runTimeoutSeconds: number) =>
  createOnnxRuntimeEngine(
    { clock: systemClock, logger: pino({ level: 'silent' }) },
    { ...onnxRuntimeDefaults, runTimeoutSeconds, restartSeconds: 0.1, queueCapacity: 4 },
  );
const strict = engineWith(1);
/** For runs that are long on purpose: a busy machine must not make them look hung. */
const patient = engineWith(30);
const loaded: EngineModel[] = [];
const never = new AbortController().signal;

async function load(file: string, memoryBytes?: number, engine = strict): Promise<EngineModel> {
  const known = { name: file, digest: `sha256:${'0'.repeat(64)}`, modelName: file, modelVersion: '1' };
  const source = { ...known, file: path.join(fixtures, file), threads: 1, executionProviders: ['cpu'] };
  const model = await engine.load({ ...source, ...(memoryBytes === undefined ? {} : { memoryBytes }) }, never);
  loaded.push(model);
  return model;
}

const whole = (name: string, value: bigint): Tensor => ({
  name,
  datatype: 'INT64',
  shape: [1],
  data: new Uint8Array(new BigInt64Array([value]).buffer),
});
const loop = (iterations: bigint) => ({ inputs: [whole('iterations', iterations)], outputs: [] });
const eat = (elements: bigint) => ({ inputs: [whole('elements', elements)], outputs: [] });
const features: Tensor = {
  name: 'x',
  datatype: 'FP32',
  shape: [1, 4],
  data: new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer),
};

describe('a model in a process of its own', () => {
  afterAll(() => Promise.all(loaded.map((model) => model.close())));

  it('is ended soon after its deadline when it hangs, and comes back', async () => {
    const model = await load('loop.onnx');
    const started = performance.now();
    await expect(model.infer(loop(4_000_000_000n))).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('did not answer within 1 s'),
    });
    expect(performance.now() - started).toBeLessThan(2000);
    await eventually(async () => expect((await model.infer(loop(10n))).outputs).toHaveLength(1));
    expect(model.restarts.count).toBe(1);
  });

  it('fails its own request, not itself, when it asks for more memory than it may have', async () => {
    const model = await load('memory.onnx', 64 * 1024 * 1024);
    await expect(model.infer(eat(100_000_000n))).rejects.toMatchObject({ kind: 'failed' });
    await eventually(async () => expect((await model.infer(eat(1000n))).outputs[0]?.shape).toEqual([1]));
  });

  it('leaves its neighbour alone while it hangs and is killed again and again', async () => {
    const neighbour = await load('classifier.onnx');
    const bad = await load('loop.onnx');
    const done = new AbortController();
    const trouble = (async () => {
      while (!done.signal.aborted)
        await bad.infer({ ...loop(4_000_000_000n), deadline: performance.now() + 500 }).catch(() => {});
    })();
    for (let request = 0; request < 2000; request++) {
      const { outputs } = await neighbour.infer({ inputs: [features], outputs: [] });
      expect(outputs[0]?.shape).toEqual([1, 3]);
    }
    done.abort();
    await trouble;
    expect(neighbour.restarts.count).toBe(0);
  });

  it('leaves its neighbour alone while it asks for more memory than it may have', async () => {
    const neighbour = await load('classifier.onnx');
    const bad = await load('memory.onnx', 64 * 1024 * 1024);
    const done = new AbortController();
    let refused = 0;
    const trouble = (async () => {
      while (!done.signal.aborted) await bad.infer(eat(100_000_000n)).catch(() => refused++);
    })();
    for (let request = 0; request < 1000; request++) {
      const { outputs } = await neighbour.infer({ inputs: [features], outputs: [] });
      expect(outputs[0]?.shape).toEqual([1, 3]);
    }
    await eventually(() => expect(refused).toBeGreaterThan(0));
    done.abort();
    await trouble;
    expect(neighbour.restarts.count).toBe(0);
    expect(await bad.residentBytes()).toBeLessThan(512 * 1024 * 1024);
  });

  it('refuses with 429 and a time when its queue is full, and cancels what waits', async () => {
    const model = await load('loop.onnx', undefined, patient);
    const cancel = new AbortController();
    const busy = model.infer(loop(200_000n));
    const waiting = Array.from({ length: 4 }, () => model.infer({ ...loop(10n), signal: cancel.signal }));
    await expect(model.infer(loop(1n))).rejects.toMatchObject({ kind: 'queueFull', retryAfterSeconds: expect.any(Number) });
    cancel.abort();
    for (const request of waiting) await expect(request).rejects.toMatchObject({ kind: 'cancelled' });
    await busy;
  });

  it('lets a waiting request go at its deadline', async () => {
    const model = await load('loop.onnx', undefined, patient);
    const busy = model.infer(loop(400_000n));
    await expect(model.infer({ ...loop(1n), deadline: performance.now() + 20 })).rejects.toMatchObject({ kind: 'deadline' });
    await busy;
  });

  it('runs what is left when one of those that wait is taken back, and takes its time', async () => {
    const model = await load('loop.onnx', undefined, patient);
    const cancel = new AbortController();
    const busy = model.infer(loop(200_000n));
    const onItsWay = model.infer({ ...loop(4_000_000_000n), signal: cancel.signal });
    const after = model.infer(loop(10n));
    cancel.abort();
    await expect(onItsWay).rejects.toMatchObject({ kind: 'cancelled' });
    await busy;
    // It would take minutes, had the model begun with what was taken back.
    expect((await after).outputs).toHaveLength(1);
    expect(model.restarts.count).toBe(0);
  });

  it('loses the request that it ran when it ends, and none that was on its way to it', async () => {
    const model = await load('loop.onnx');
    const [hung, onItsWay, impatient] = await Promise.allSettled([
      model.infer(loop(4_000_000_000n)),
      model.infer({ ...loop(10n), deadline: performance.now() + 20_000 }),
      model.infer(loop(10n)),
    ]);
    expect(hung).toMatchObject({ status: 'rejected', reason: { kind: 'failed' } });
    expect(onItsWay).toMatchObject({ status: 'fulfilled' });
    expect(impatient).toMatchObject({ reason: { kind: 'unavailable', message: expect.stringContaining('started again') } });
    expect(model.restarts.count).toBe(1);
  });

  it('counts a request’s wait apart from its way to the model', async () => {
    const model = await load('loop.onnx', undefined, patient);
    const [first, second] = await Promise.all([model.infer(loop(100_000n)), model.infer(loop(10n))]);
    expect(second.queueMicroseconds).toBeGreaterThan(first.modelMicroseconds * 0.9);
    expect(second.transferMicroseconds).toBeLessThan(first.modelMicroseconds);
  });

  it('costs the agent nothing more than this model when no process can be started', async () => {
    const script = fileURLToPath(new URL('./out-of-descriptors.ts', import.meta.url));
    const { stdout } = await promisify(execFile)('prlimit', ['--nofile=64', process.execPath, script]);
    expect(stdout).toMatch(/^LoadFailed: the process of model states could not be started: spawn .* EMFILE\n$/);
  });

  it('carries every datatype there and back', async () => {
    const model = await load('types.onnx');
    const bytes = (text: string) => [text.length, 0, 0, 0, ...Buffer.from(text)];
    const inputs: Tensor[] = [
      { name: 'in_fp16', datatype: 'FP16', shape: [2], data: Uint8Array.from([0x00, 0x3c, 0x00, 0xc0]) },
      whole('in_int64', 9_007_199_254_740_993n),
      { name: 'in_uint8', datatype: 'UINT8', shape: [2, 2], data: Uint8Array.from([1, 2, 3, 255]) },
      { name: 'in_bool', datatype: 'BOOL', shape: [3], data: Uint8Array.from([1, 0, 1]) },
      { name: 'in_text', datatype: 'BYTES', shape: [2], data: Uint8Array.from([...bytes('joule'), ...bytes('')]) },
      { name: 'in_fp64', datatype: 'FP64', shape: [1], data: new Uint8Array(new Float64Array([Math.PI]).buffer) },
    ];
    const { outputs } = await model.infer({ inputs, outputs: [] });
    for (const input of inputs) {
      const output = outputs.find((candidate) => candidate.name === input.name.replace('in_', 'out_'));
      expect({ datatype: output?.datatype, data: [...(output?.data ?? [])] }).toEqual({
        datatype: input.datatype,
        data: [...input.data],
      });
    }
  });

  it('carries requests of every size, several at a time, each to its own answer', async () => {
    const model = await load('types.onnx', undefined, patient);
    const rest = neutralInputs(model.inputs).filter((input) => input.name !== 'in_int64');
    const sizes = [1, 20_000, 100_000, 100_000, 800_000]; // in a frame, and in memory that both share: 160 kB, 800 kB, twice; 6.4 MB is over it
    const answers = await Promise.all(
      sizes.map((size, index) => {
        const data = new Uint8Array(new BigInt64Array(size).fill(BigInt(index + 1)).buffer);
        return model.infer({
          inputs: [...rest, { name: 'in_int64', datatype: 'INT64', shape: [size], data }],
          outputs: ['out_int64'],
        });
      }),
    );
    for (const [index, { outputs }] of answers.entries()) {
      const bytes = outputs[0]?.data ?? new Uint8Array();
      const values = new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
      expect(values).toHaveLength(sizes[index] ?? 0);
      expect(values.every((value) => value === BigInt(index + 1))).toBe(true);
    }
  });

  it('refuses texts that are not UTF-8 instead of changing them', async () => {
    const model = await load('types.onnx');
    const inputs = neutralInputs(model.inputs).map((input) =>
      input.name === 'in_text' ? { ...input, data: Uint8Array.from([1, 0, 0, 0, 0xff, 0, 0, 0, 0]) } : input,
    );
    await expect(model.infer({ inputs, outputs: [] })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('not UTF-8'),
    });
  });
});
