// One analysis from bytes to features, inside the child process.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { GraphProto } from '../../onnx/messages.ts';
import { OnnxFormatError, type ReadableModel, readModel, writeModel } from '../../onnx/model.ts';
import type { GraphAnalysis } from '../analysis.ts';
import { featuresOf, layersOf } from '../features.ts';
import { inferShapes } from '../inference/infer.ts';
import type { KnownTensor } from '../inference/tensor.ts';
import { elementsOf, type Operation } from '../operation.ts';
import { constantsOf, elementBytes, operationsOf } from '../operations.ts';
import { precisionOf, storedWeights } from '../precision.ts';
import { staticFeatures, staticOperations } from '../static-features.ts';
import { countParameters, initializerBytes, materializedBytes } from '../stored-totals.ts';
import { UnsupportedModelError } from './analyze.ts';
import { replaceExternalData } from './external-data.ts';
import { checkGraph, checkStorage, fixDimensions, nameNodes, opsetOf, requiredInputs, tensorInfo } from './preparation.ts';
import { observedTensors } from './profile.ts';
import { type AnalysisOrder, extractorVersion } from './protocol.ts';
import { type Recording, type Runtime, record } from './session.ts';

/** A folded weight is held, packed for the processor, and for a moment both. */
const copiesWhileLoading = 2.2;
const mebibyte = 2 ** 20;

export async function readGraph(order: AnalysisOrder, runtime: Runtime, runtimeVersion: string): Promise<GraphAnalysis> {
  const model = open(order);
  const { graph } = model;
  const opset = opsetOf(model);
  checkGraph(model, graph, order.limits.maximumNodes);
  checkStorage(graph, model.functions);
  const inputs = requiredInputs(graph).map(tensorInfo);
  const outputs = graph.output.map(tensorInfo);
  const weights = storedWeights(graph);
  replaceExternalData(graph, { folder: path.dirname(order.file), given: order.externalData });
  fixDimensions(graph, order.dimensions);
  nameNodes(graph);
  const { tensors, unresolved } = inferShapes(graph, opset);
  const materialized = boundMaterialization(graph, tensors, order);
  const parameters = countParameters(graph, tensors);
  const folded = graph.node
    .flatMap((node) => (node.opType === 'ConstantOfShape' ? node.output : []))
    .map((name) => ({ elementType: tensors.get(name)?.elementType, elements: elementsOf(tensors.get(name)?.shape ?? [0]) }));
  const common = {
    extractorVersion,
    runtimeVersion,
    opset,
    inputs,
    outputs,
    precision: precisionOf([...weights, ...folded]),
    operators: countOperators(graph),
  };
  const expected = copiesWhileLoading * materialized + 2 * largestTensor(tensors);
  if (expected > order.limits.memoryBytes) {
    if (unresolved.length > 0)
      throw new UnsupportedModelError(
        'TooLarge',
        `running the model needs about ${mebibytes(expected)} MiB, the limit is ${mebibytes(order.limits.memoryBytes)} MiB, and without running the shapes after ${[...new Set(unresolved)].slice(0, 5).join(', ')} are not known`,
      );
    return {
      ...common,
      path: 'static',
      features: { ...staticFeatures(graph, tensors), initializerBytes: materialized },
      ...(order.layers ? { layers: layersOf(staticOperations(graph, tensors)) } : {}),
    };
  }
  const before = process.memoryUsage().rss;
  const recording = await run(model, order, runtime, inputsWithSizes(graph));
  const residentBytes = Math.max(0, process.memoryUsage().rss - before);
  const optimized = readModel(recording.optimizedModel);
  const operations = profiledOperations(optimized, recording);
  const features = featuresOf(operations, { parameters, initializerBytes: initializerBytes(optimized.graph) });
  return { ...common, path: 'profiled', features, residentBytes, ...(order.layers ? { layers: layersOf(operations) } : {}) };
}

function open({ file, limits }: AnalysisOrder): ReadableModel {
  const { size } = statSync(file);
  if (size > limits.fileBytes)
    throw new UnsupportedModelError(
      'TooLarge',
      `the file has ${size} bytes, the limit is ${limits.fileBytes}: keep weights in external data`,
    );
  try {
    return readModel(readFileSync(file));
  } catch (error) {
    if (error instanceof OnnxFormatError) throw new UnsupportedModelError('NotOnnx', error.message, { cause: error });
    throw error;
  }
}

function boundMaterialization(graph: GraphProto, tensors: ReadonlyMap<string, KnownTensor>, { limits }: AnalysisOrder): number {
  const { bytes, largest } = materializedBytes(graph, tensors);
  if (bytes <= limits.materializedBytes) return bytes;
  const culprit = largest ? `; the largest is "${largest.name.slice(0, 80)}" (${largest.operator}, ${largest.bytes} bytes)` : '';
  throw new UnsupportedModelError(
    'Materializes',
    `loading would write ${bytes} bytes of constants into memory, the limit is ${limits.materializedBytes}${culprit}: use a smaller model or raise the limit`,
  );
}

function largestTensor(tensors: ReadonlyMap<string, KnownTensor>): number {
  let largest = 0;
  for (const { shape, elementType, constant } of tensors.values())
    if (shape && !constant) largest = Math.max(largest, elementsOf(shape) * elementBytes(elementType));
  return largest;
}

function countOperators(graph: GraphProto): { type: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { opType = '' } of graph.node) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  return [...counts].map(([type, count]) => ({ type, count })).sort((a, b) => b.count - a.count || (a.type < b.type ? -1 : 1));
}

function inputsWithSizes(graph: GraphProto) {
  return requiredInputs(graph).map(tensorInfo);
}

async function run(
  model: ReadableModel,
  order: AnalysisOrder,
  runtime: Runtime,
  inputs: ReturnType<typeof inputsWithSizes>,
): Promise<Recording> {
  const directory = path.join(order.scratchDirectory, 'run');
  mkdirSync(directory);
  const prepared = path.join(directory, 'prepared.onnx');
  writeFileSync(prepared, writeModel(model));
  try {
    return await record(runtime, prepared, directory, inputs);
  } catch (error) {
    throw asUnsupported(error);
  }
}

/** The runtime gives text only: what it says decides the reason, and is passed on. */
function asUnsupported(error: unknown): UnsupportedModelError {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, 400);
  if (/bad_alloc|Failed to allocate memory|allocation failed|Cannot allocate/i.test(text))
    return new UnsupportedModelError('OutOfMemory', `the runtime ran out of the memory limit: ${text}`, { cause: error });
  if (/NOT_IMPLEMENTED|not a registered (function|op)|Could not find an implementation|No Op registered/i.test(text))
    return new UnsupportedModelError('UnsupportedOperator', `the runtime lacks an operator: ${text}`, { cause: error });
  if (/opset/i.test(text))
    return new UnsupportedModelError('UnsupportedOpset', `the runtime does not read the opset: ${text}`, { cause: error });
  return new UnsupportedModelError('Invalid', `the runtime refuses the model: ${text}`, { cause: error });
}

function profiledOperations(optimized: ReadableModel, recording: Recording): Operation[] {
  const { graph } = optimized;
  const opset = optimized.opsetImport.find(({ domain }) => domain === undefined || domain === '')?.version ?? 0;
  const observed = observedTensors(recording.profile, graph, opset);
  const constants = constantsOf(graph);
  const { operations, unshaped } = operationsOf(graph, (name) => {
    const tensor = observed.get(name);
    return tensor?.shape ? { shape: tensor.shape, elementType: tensor.elementType } : undefined;
  });
  const lost = unshaped.filter((name) => !constants.has(name));
  if (lost.length > 0)
    throw new UnsupportedModelError(
      'Invalid',
      `the sizes of ${lost.length} tensors (such as "${lost[0] ?? ''}") could not be read from the run: export with opset 17 and fixed sizes`,
    );
  return operations;
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / mebibyte);
}
