// What the server says of itself and its models, the same in every protocol.
import { productVersion } from '../../crds/product-version.ts';
import type { TensorDescription } from '../inference/datatypes.ts';
import { InferenceError } from '../inference/errors.ts';
import type { Route, Routes } from '../serving/routes.ts';
import type { ServedModel } from '../serving/served-model.ts';

export const serverMetadata = {
  name: 'jouleops',
  version: productVersion,
  extensions: ['binary_tensor_data', 'classification', 'model_repository'],
};

export interface ModelMetadata {
  name: string;
  versions: string[];
  platform: string;
  inputs: readonly TensorDescription[];
  outputs: readonly TensorDescription[];
  classLabels?: readonly string[];
}

/** @throws InferenceError notFound; unavailable while nothing of the model is loaded */
export function describeModel(routes: Routes, name: string, version: string | undefined): ModelMetadata {
  const found = modelOf(routes, name, version);
  const route = routes.find(name);
  if (!found) throw new InferenceError('unavailable', `model ${name} is not loaded: ${route.reason ?? 'it is on its way'}`);
  const { model, slot } = found;
  const versions = [route.active, route.candidate].flatMap((served) => (served ? [served.slot.modelVersion] : []));
  return {
    name,
    versions: [...new Set(versions)],
    platform: model.platform,
    inputs: model.inputs,
    outputs: model.outputs,
    ...(slot.classLabels === undefined ? {} : { classLabels: slot.classLabels }),
  };
}

/** Undefined when the model is ready, else why it is not. @throws InferenceError notFound */
export function whyNotReady(routes: Routes, name: string, version: string | undefined): string | undefined {
  if (modelOf(routes, name, version)?.model.ready) return undefined;
  return `model ${name} is not ready: ${routes.find(name).reason ?? 'it is being started again'}`;
}

/** @throws InferenceError notFound; undefined when the model exists and nothing of it is loaded. */
function modelOf(routes: Routes, name: string, version: string | undefined): ServedModel | undefined {
  if (version !== undefined) return routes.resolve(name, version).model;
  const route = routes.find(name);
  return route.active ?? route.candidate;
}

/** Models that are to serve here and do not. */
export function namesNotReady(routes: Routes): string[] {
  const waiting = routes.list().filter((route) => !route.active?.model.ready && !route.candidate?.model.ready);
  return waiting.map((route) => routes.nameOf(route));
}

export interface RepositoryEntry {
  name: string;
  version: string;
  state: 'READY' | 'UNAVAILABLE';
  reason: string;
}

export function repositoryIndex(routes: Routes, onlyReady: boolean): RepositoryEntry[] {
  const entries = routes.list().flatMap((route) => entriesOf(routes, route));
  return onlyReady ? entries.filter((entry) => entry.state === 'READY') : entries;
}

function entriesOf(routes: Routes, route: Route): RepositoryEntry[] {
  const name = routes.nameOf(route);
  const slots = [route.active, route.candidate].filter((served) => served !== undefined);
  if (slots.length === 0) return [{ name, version: '', state: 'UNAVAILABLE', reason: route.reason ?? '' }];
  return slots.map((served) => ({
    name,
    version: served.slot.modelVersion,
    state: served.model.ready ? 'READY' : 'UNAVAILABLE',
    reason: served.model.ready ? '' : (served.model.restarts.reason ?? ''),
  }));
}

/** The repository extension has these calls; here the control plane makes them. */
export function refuseRepositoryChange(name: string): InferenceError {
  return new InferenceError(
    'invalid',
    `model ${name} is loaded and unloaded by the control plane alone: change its ModelDeployment`,
  );
}
