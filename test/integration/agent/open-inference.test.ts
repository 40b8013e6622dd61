import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { createWorld, type World } from './world.ts';

type Json = Record<string, unknown>;
interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

describe('Open Inference Protocol v2 over HTTP', () => {
  let world: World;
  let url: string;
  beforeAll(async () => {
    world = await createWorld();
    url = (await world.startAgent()).url;
    const both = await world.slot('classifier.onnx', 'r1', { classLabels: ['a', 'b', 'c'] });
    await world.assign('device-a', 'states', { active: both });
    await eventually(async () => expect((await get('/v2/models/states/ready')).status).toBe(200));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function get(path: string): Promise<Answer> {
    const response = await fetch(url + path);
    return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
  }
  async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const raw = typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body);
    const response = await fetch(url + path, { method: 'POST', body: raw, headers });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
  }
  const input = (more: Json = {}) => ({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4], ...more });
  const infer = (more: Json = {}, inputs: unknown = [input()]) => post('/v2/models/states/infer', { inputs, ...more });
  const outputOf = (answer: Answer) => (answer.body['outputs'] as Json[])[0] as Json;

  it.each([
    '/v2',
    '/v2/',
    '/v2/health/live',
    '/v2/health/live/',
    '/v2/health/ready',
    '/v2/models',
    '/v2/models/',
    '/v2/models/states',
    '/v2/models/states/',
    '/v2/models/states/versions/r1.0.0',
    '/v2/models/states/versions/r1.0.0/ready',
    '/v2/models/factory/states',
    '/v2/models/factory%2Fstates',
  ])('answers GET %s', async (path) => {
    expect((await get(path)).status).toBe(200);
  });

  it('says which extensions it has', async () => {
    expect((await get('/v2')).body).toEqual({
      name: 'jouleops',
      version: expect.any(String),
      extensions: ['binary_tensor_data', 'classification', 'model_repository'],
    });
  });

  it('describes a model with its labels, and a dynamic dimension as -1', async () => {
    expect((await get('/v2/models/states')).body).toEqual({
      name: 'states',
      versions: ['r1.0.0'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 3] }],
      classLabels: ['a', 'b', 'c'],
    });
  });

  it('lists its repository', async () => {
    const { body } = await post('/v2/repository/index', { ready: true });
    expect(body).toEqual([{ name: 'states', version: 'r1.0.0', state: 'READY', reason: '' }]);
    expect((await post('/v2/repository/index', '')).status).toBe(200);
  });

  it('leaves loading and unloading to the control plane, and says so', async () => {
    expect(await post('/v2/repository/models/states/unload', {})).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('control plane') },
    });
    expect((await get('/v2/models/states/ready')).status).toBe(200);
  });

  it('infers, echoes the id, and says where the time went', async () => {
    const answer = await infer({ id: 'seven' });
    expect(answer.body).toMatchObject({ model_name: 'states', model_version: 'r1.0.0', id: 'seven' });
    const { name, datatype, shape, data } = outputOf(answer);
    expect({ name, datatype, shape }).toEqual({ name: 'probabilities', datatype: 'FP32', shape: [1, 3] });
    const values = data as number[];
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    const parameters = answer.body['parameters'] as Record<string, number>;
    expect(parameters['latency_ms']).toBeGreaterThanOrEqual(parameters['model_ms'] ?? Number.NaN);
    expect(parameters['queue_ms']).toBeGreaterThanOrEqual(0);
  });

  it('claims no energy where there is no meter', async () => {
    expect(Object.keys((await infer()).body['parameters'] as Json).filter((name) => name.startsWith('energy'))).toEqual([]);
  });

  it('takes nested data and a batch', async () => {
    const answer = await infer({}, [
      input({
        shape: [2, 4],
        data: [
          [1, 2, 3, 4],
          [4, 3, 2, 1],
        ],
      }),
    ]);
    expect(outputOf(answer)).toMatchObject({ shape: [2, 3] });
  });

  it('answers only the outputs that are asked for', async () => {
    expect((await infer({ outputs: [{ name: 'probabilities' }] })).status).toBe(200);
    expect(await infer({ outputs: [{ name: 'logits' }] })).toMatchObject({
      status: 400,
      body: { error: 'the model has no output logits; it has: probabilities' },
    });
  });

  it('classifies: the best k with score, index and label', async () => {
    const answer = await infer({ outputs: [{ name: 'probabilities', parameters: { classification: 2 } }] });
    const { datatype, shape, data } = outputOf(answer);
    expect({ datatype, shape }).toEqual({ datatype: 'BYTES', shape: [1, 2] });
    expect(data).toEqual([expect.stringMatching(/^0\.\d+:2:c$/), expect.stringMatching(/^0\.\d+:1:b$/)]);
  });

  it('takes and gives binary tensors', async () => {
    const json = Buffer.from(
      JSON.stringify({
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], parameters: { binary_data_size: 16 } }],
        parameters: { binary_data_output: true },
      }),
    );
    const body = Buffer.concat([json, Buffer.from(new Float32Array([1, 2, 3, 4]).buffer)]);
    const response = await fetch(`${url}/v2/models/states/infer`, {
      method: 'POST',
      body,
      headers: { 'inference-header-content-length': String(json.length) },
    });
    expect(response.status).toBe(200);
    const bytes = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get('inference-header-content-length'));
    const head = JSON.parse(bytes.subarray(0, length).toString()) as { outputs: [{ parameters: { binary_data_size: number } }] };
    expect(head.outputs[0].parameters.binary_data_size).toBe(12);
    const values = new Float32Array(new Uint8Array(bytes.subarray(length)).buffer);
    expect([...values].reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  });

  it('unpacks a compressed request', async () => {
    const packed = gzipSync(JSON.stringify({ inputs: [input()] }));
    expect((await post('/v2/models/states/infer', packed, { 'content-encoding': 'gzip' })).status).toBe(200);
    expect((await post('/v2/models/states/infer', packed, { 'content-encoding': 'br' })).status).toBe(415);
    expect((await post('/v2/models/states/infer', 'not gzip', { 'content-encoding': 'gzip' })).status).toBe(400);
  });

  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{"inputs": [', /not JSON/],
    ['no object', '[]', /not a JSON object/],
    ['no inputs', {}, /inputs is missing/],
    ['an unknown input', { inputs: [input(), input({ name: 'y' })] }, /no input y; it takes: x FP32 \[-1, 4\]/],
    ['an input twice', { inputs: [input(), input()] }, /given twice/],
    ['a wrong datatype', { inputs: [input({ datatype: 'FP64' })] }, /x is FP64; the model takes FP32/],
    ['an unknown datatype', { inputs: [input({ datatype: 'FLOAT' })] }, /datatype FLOAT; known are BOOL/],
    ['BF16', { inputs: [input({ datatype: 'BF16' })] }, /BF16 is not supported/],
    ['FP16 as JSON', { inputs: [input({ datatype: 'FP16' })] }, /binary data extension/],
    ['a wrong shape', { inputs: [input({ shape: [1, 5], data: [1, 2, 3, 4, 5] })] }, /shape \[1, 5\]; the model takes \[-1, 4\]/],
    ['too few elements', { inputs: [input({ data: [1, 2] })] }, /has 2 elements; its shape \[1, 4\] needs 4/],
    ['a text among numbers', { inputs: [input({ data: [1, 2, 'three', 4] })] }, /element 2 is "three"/],
    [
      'data nested unlike its shape',
      {
        inputs: [
          input({
            shape: [2, 4],
            data: [
              [1, 2, 3, 4, 5],
              [6, 7, 8],
            ],
          }),
        ],
      },
      /do not follow/,
    ],
    ['a negative dimension', { inputs: [input({ shape: [-1, 4] })] }, /list of sizes/],
    [
      'binary data that is not there',
      { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], parameters: { binary_data_size: 16 } }] },
      /claims 16 bytes of binary data; 0 are left/,
    ],
    ['a timeout of zero', { inputs: [input()], parameters: { timeout: 0 } }, /positive number of microseconds/],
    ['a number for an id', { inputs: [input()], id: 7 }, /id is not a string/],
  ])('refuses %s with 400 and a reason', async (_, body, message) => {
    expect(await post('/v2/models/states/infer', body)).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(message) },
    });
  });

  it('answers 404 for what it does not have, and names what it has', async () => {
    expect(await post('/v2/models/other/infer', { inputs: [input()] })).toMatchObject({
      status: 404,
      body: { error: 'no model other on this device; there is: states' },
    });
    expect((await get('/v2/models/states/versions/9')).body).toEqual({
      error: 'model states has no version 9 here; loaded: r1.0.0',
    });
    expect((await get('/v2/nothing')).status).toBe(404);
    expect((await get('/elsewhere')).status).toBe(404);
  });

  it('answers 405 with the method that is right, and 413 for what is too large', async () => {
    const wrong = await get('/v2/models/states/infer');
    expect({ status: wrong.status, allow: wrong.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
    const large = await post('/v2/models/states/infer', 'x'.repeat(65 * 1024 * 1024));
    expect(large).toMatchObject({ status: 413, body: { error: expect.stringContaining('larger than') } });
  });
});

describe('datatypes over HTTP', () => {
  it('carries 64-bit integers exactly, texts as UTF-8, and FP16 as binary only', async () => {
    await using world = await createWorld();
    const { url } = await world.startAgent();
    await world.assign('device-a', 'types', { active: await world.slot('types.onnx', 'r1') });
    await eventually(async () => expect((await fetch(`${url}/v2/models/types/ready`)).status).toBe(200));
    const tensors = [
      { name: 'in_int64', datatype: 'INT64', shape: [2], data: ['9007199254740993', -1] },
      { name: 'in_uint8', datatype: 'UINT8', shape: [2, 2], data: [0, 1, 2, 255] },
      { name: 'in_bool', datatype: 'BOOL', shape: [3], data: [true, false, true] },
      { name: 'in_text', datatype: 'BYTES', shape: [2], data: ['Drehzahl °C', ''] },
      { name: 'in_fp64', datatype: 'FP64', shape: [1], data: [Math.E] },
    ];
    const json = Buffer.from(
      JSON.stringify({
        inputs: [{ name: 'in_fp16', datatype: 'FP16', shape: [2], parameters: { binary_data_size: 4 } }, ...tensors],
        outputs: [
          ...tensors.map((tensor) => ({ name: tensor.name.replace('in_', 'out_') })),
          { name: 'out_fp16', parameters: { binary_data: true } },
        ],
      }),
    );
    const body = Buffer.concat([json, Buffer.from([0x00, 0x3c, 0x00, 0x40])]);
    const response = await fetch(`${url}/v2/models/types/infer`, {
      method: 'POST',
      body,
      headers: { 'inference-header-content-length': String(json.length) },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.status, bytes.toString()).toBe(200);
    const length = Number(response.headers.get('inference-header-content-length'));
    const text = bytes.subarray(0, length).toString();
    expect(text).toContain('[9007199254740993,-1]');
    const outputs = (JSON.parse(text) as { outputs: { name: string; data?: unknown }[] }).outputs;
    for (const { name, data } of tensors.slice(1))
      expect(outputs.find((output) => output.name === name.replace('in_', 'out_'))?.data).toEqual(data);
    expect([...bytes.subarray(length)]).toEqual([0x00, 0x3c, 0x00, 0x40]);

    // The runtime takes texts only: other bytes would be changed on the way, so they are refused.
    const text64 = { name: 'in_text', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: 10 } };
    const others = tensors.filter(({ name }) => name !== 'in_text');
    const half = { name: 'in_fp16', datatype: 'FP16', shape: [2], parameters: { binary_data_size: 4 } };
    const head = Buffer.from(JSON.stringify({ inputs: [half, text64, ...others], outputs: [{ name: 'out_text' }] }));
    const refused = await fetch(`${url}/v2/models/types/infer`, {
      method: 'POST',
      body: Buffer.concat([head, Buffer.from([0x00, 0x3c, 0x00, 0x40]), Buffer.from([2, 0, 0, 0, 0xff, 0xfe, 0, 0, 0, 0])]),
      headers: { 'inference-header-content-length': String(head.length) },
    });
    expect({ status: refused.status, body: await refused.json() }).toEqual({
      status: 400,
      body: { error: expect.stringContaining('is not UTF-8') as string },
    });
  });

  it('refuses with 429 and Retry-After what its queue does not hold', async () => {
    await using world = await createWorld();
    const { url } = await world.startAgent();
    await world.assign('device-a', 'slow', { active: await world.slot('loop.onnx', 'r1') });
    await eventually(async () => expect((await fetch(`${url}/v2/models/slow/ready`)).status).toBe(200));
    const inputs = [{ name: 'iterations', datatype: 'INT64', shape: [1], data: [300_000] }];
    const body = JSON.stringify({ inputs, parameters: { timeout: 1_500_000 } });
    const answers = await Promise.all(
      Array.from({ length: 80 }, () => fetch(`${url}/v2/models/slow/infer`, { method: 'POST', body })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused[0]?.json()).toEqual({ error: expect.stringContaining('try again in') as string });
  });

  it('gives up at the request\u2019s own timeout, in microseconds', async () => {
    await using world = await createWorld();
    const { url } = await world.startAgent();
    await world.assign('device-a', 'slow', { active: await world.slot('loop.onnx', 'r1') });
    await eventually(async () => expect((await fetch(`${url}/v2/models/slow/ready`)).status).toBe(200));
    const inputs = [{ name: 'iterations', datatype: 'INT64', shape: [1], data: [1_000_000] }];
    const response = await fetch(`${url}/v2/models/slow/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs, parameters: { timeout: 20_000 } }),
    });
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 503,
      body: { error: 'model factory/slow@r1 did not answer within 20 ms' },
    });
  });
});
