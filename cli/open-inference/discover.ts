// Finds the models of a server and a request that each of them answers, from nothing but the protocol.
import { isDatatype } from '../../agent/inference/datatypes.ts';
import {
  binaryRequest,
  inferPath,
  jsonRequest,
  objectIn,
  parseJson,
  type RestServer,
  readInference,
  succeeded,
} from './rest-server.ts';
import { edgeTensor, sameValues, sampleTensor, type TensorSignature } from './samples.ts';
import type { SubjectModel } from './target.ts';
import type { ValueTensor } from './tensors.ts';

export interface Discovery {
  server: { name: string; version: string };
  extensions: string[];
  models: SubjectModel[];
  /** Models that cannot be used, and why. */
  left: { model: string; why: string }[];
}

const maximumModels = 16;

/** @param names of models; empty asks the server. @throws Deviation when the server does not describe itself. */
export async function discover(rest: RestServer, names: readonly string[]): Promise<Discovery> {
  const metadata = objectIn(succeeded(await rest.send('/v2')));
  const extensions = (Array.isArray(metadata['extensions']) ? metadata['extensions'] : []).filter(
    (name) => typeof name === 'string',
  );
  const wanted = names.length > 0 ? names : await listModels(rest);
  const discovery: Discovery = {
    server: { name: textOf(metadata['name']), version: textOf(metadata['version']) },
    extensions,
    models: [],
    left: [],
  };
  for (const model of wanted.slice(0, maximumModels)) {
    try {
      discovery.models.push(await describe(rest, model, extensions.includes('binary_tensor_data')));
    } catch (error) {
      discovery.left.push({ model, why: (error as Error).message });
    }
  }
  return discovery;
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

/** By the repository extension, else by the list that KServe's server has. */
async function listModels(rest: RestServer): Promise<string[]> {
  const index = await rest.send('/v2/repository/index', { method: 'POST', body: '{}' });
  if (index.status === 200) {
    const entries = parseJson(index.body.toString('utf8'));
    if (Array.isArray(entries)) return [...new Set(entries.flatMap((entry: { name?: unknown }) => textOf(entry.name) || []))];
  }
  const list = await rest.send('/v2/models');
  if (list.status !== 200) return [];
  const { models } = objectIn(list);
  return Array.isArray(models)
    ? models.flatMap((entry: unknown) => textOf((entry as { name?: unknown }).name ?? entry) || [])
    : [];
}

/** @throws Error that says why no request can be built. */
async function describe(rest: RestServer, name: string, binary: boolean): Promise<SubjectModel> {
  const metadata = objectIn(succeeded(await rest.send(`/v2/models/${encodeURIComponent(name)}`)));
  const inputs = signatures(metadata['inputs'], 'input');
  const outputs = signatures(metadata['outputs'], 'output');
  if (inputs.length === 0) throw new Error(`the metadata of ${name} list no inputs`);
  const versions = Array.isArray(metadata['versions']) ? metadata['versions'] : [];
  const version: unknown = versions[0];
  const sample = await answeredSample(rest, name, inputs, binary);
  return {
    name,
    version: typeof version === 'string' ? version : undefined,
    inputs,
    outputs,
    sample,
    echoes: await findEchoes(rest, name, inputs, sample, binary),
  };
}

function signatures(list: unknown, what: string): TensorSignature[] {
  if (!Array.isArray(list)) return [];
  return list.map((entry: { name?: unknown; datatype?: unknown; shape?: unknown }) => {
    const { name, datatype, shape } = entry;
    if (typeof name !== 'string' || typeof datatype !== 'string' || !isDatatype(datatype) || !Array.isArray(shape))
      throw new Error(`an ${what} of its metadata is ${JSON.stringify(entry).slice(0, 200)}`);
    return { name, datatype, shape: shape.map(Number) };
  });
}

/** Tries small dynamic dimensions: metadata do not say which fit together. */
async function answeredSample(
  rest: RestServer,
  name: string,
  inputs: readonly TensorSignature[],
  binary: boolean,
): Promise<ValueTensor[]> {
  let why = '';
  for (const dynamic of [1, 2, 4]) {
    const sample = inputs.map((input) => sampleTensor(input, 0, dynamic));
    const answer = await rest.send(inferPath(name), { method: 'POST', ...requestOf(sample, binary) });
    if (answer.status === 200) return sample;
    why = answer.body.toString('utf8', 0, 200);
  }
  throw new Error(`it refuses requests built from its metadata: ${why}`);
}

/** What JSON cannot carry goes as binary data, where the server takes it. */
export function requestOf(
  tensors: readonly ValueTensor[],
  binary: boolean,
): { headers?: Record<string, string>; body: string | Buffer } {
  const isHalf = ({ datatype }: ValueTensor) => datatype === 'FP16';
  if (binary && tensors.some(isHalf)) return binaryRequest(tensors, { parameters: { binary_data_output: true } }, isHalf);
  return { body: jsonRequest(tensors) };
}

/** An output that gives back two different inputs echoes. */
async function findEchoes(
  rest: RestServer,
  name: string,
  inputs: readonly TensorSignature[],
  sample: readonly ValueTensor[],
  binary: boolean,
): Promise<Map<string, string>> {
  const answers: { sent: ValueTensor[]; got: ValueTensor[] }[] = [];
  for (const sent of [[...sample], inputs.map((input, index) => sampleTensor(input, 3, dynamicOf(input, sample[index])))]) {
    const answer = await rest.send(inferPath(name), { method: 'POST', ...requestOf(sent, binary) });
    if (answer.status !== 200) return new Map();
    try {
      answers.push({ sent, got: readInference(answer).outputs });
    } catch {
      return new Map(); // the cases of answers say what is wrong with it
    }
  }
  const echoes = new Map<string, string>();
  for (const { name: input } of inputs) {
    const found = answers[0]?.got.find(({ name: output }) => answers.every((answer) => echoed(answer, input, output)));
    if (found) echoes.set(input, found.name);
  }
  return echoes;
}

function dynamicOf({ shape }: TensorSignature, sample: ValueTensor | undefined): number {
  return sample?.shape[shape.indexOf(-1)] ?? 1;
}

function echoed({ sent, got }: { sent: ValueTensor[]; got: ValueTensor[] }, input: string, output: string): boolean {
  const from = sent.find((tensor) => tensor.name === input);
  const to = got.find((tensor) => tensor.name === output);
  return from !== undefined && to !== undefined && from.datatype === to.datatype && sameValues(to.values, from.values);
}

/** Edge values for an input, in the dimensions that the model takes: in full where its first dimension is dynamic. */
export function edgesFor(model: SubjectModel, input: TensorSignature): ValueTensor {
  const edges = edgeTensor(input);
  const sample = model.sample.find((tensor) => tensor.name === input.name);
  if (!sample || input.shape.filter((size) => size === -1).length === 1) return edges;
  return { ...sample, values: sample.values.map((value, index) => edges.values[index % edges.values.length] ?? value) };
}
