// GET /api/…: what the dashboard and scripts read. Everything comes from the caches; nothing is written.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelVersion } from '../../crds/model-version.ts';
import { boundaries } from '../../energy/prediction/prediction.ts';
import type { Client } from '../../kube/api/client.ts';
import type { KubeObject, Stored } from '../../kube/api/objects.ts';
import type { Store } from '../../kube/cache/store.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import { instanceIndexes } from '../caches.ts';
import type { SnapshotSources } from '../placement/snapshot.ts';
import { latestEvents } from './latest-events.ts';

export interface ApiSources {
  client: Client;
  stores: Omit<SnapshotSources, 'liveness'>;
}

const listLimit = 1000;
const eventLimit = 500;
const apiPaths = [
  '/api/fleet',
  '/api/devices',
  '/api/devices/{name}',
  '/api/deployments',
  '/api/deployments/{namespace}/{name}',
  '/api/models',
  '/api/models/{namespace}/{name}',
  '/api/predictions/{namespace}/{model}',
  '/api/classes',
  '/api/events',
];

export function registerApi(app: FastifyInstance, { client, stores }: ApiSources): void {
  app.get('/api', () => ({ paths: apiPaths }));
  app.get('/api/fleet', () => describeFleet(stores));
  list(app, '/api/devices', stores.devices);
  list(app, '/api/deployments', stores.deployments);
  list(app, '/api/models', stores.versions);
  list(app, '/api/classes', stores.classes);
  app.get<{ Params: { name: string } }>('/api/devices/:name', ({ params }, reply) => {
    const device = stores.devices.get(params.name);
    if (!device) return missing(reply, `device ${params.name}`);
    return { device, instances: stores.instances.byIndex(instanceIndexes.device, params.name) };
  });
  app.get<{ Params: { namespace: string; name: string } }>('/api/deployments/:namespace/:name', ({ params }, reply) => {
    const deployment = stores.deployments.get(`${params.namespace}/${params.name}`);
    if (!deployment) return missing(reply, `deployment ${params.namespace}/${params.name}`);
    return { deployment, instances: stores.instances.byIndex(instanceIndexes.deployment, deployment.metadata.uid) };
  });
  app.get<{ Params: { namespace: string; name: string } }>(
    '/api/models/:namespace/:name',
    ({ params }, reply) =>
      stores.versions.get(`${params.namespace}/${params.name}`) ?? missing(reply, `model ${params.namespace}/${params.name}`),
  );
  app.get<{ Params: { namespace: string; name: string } }>('/api/predictions/:namespace/:name', ({ params }, reply) => {
    const version = stores.versions.get(`${params.namespace}/${params.name}`);
    return version ? describePredictions(stores, version) : missing(reply, `model ${params.namespace}/${params.name}`);
  });
  app.get('/api/events', async (request) => {
    const abort = new AbortController();
    request.raw.once('close', () => abort.abort());
    const latest = await latestEvents(client, eventLimit, AbortSignal.any([abort.signal, AbortSignal.timeout(10_000)]));
    return {
      items: latest.map(({ eventTime, type, reason, note, regarding, series }) => {
        return { eventTime, type, reason, note, regarding, series };
      }),
    };
  });
}

/** A page of a store, in the order of keys; `?after=<namespace/name>` continues. */
function list<T extends KubeObject>(app: FastifyInstance, path: string, store: Store<T>): void {
  app.get<{ Querystring: { after?: string } }>(path, ({ query }) => {
    const key = ({ metadata }: Stored<T>) => (metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name);
    const after = query.after;
    const sorted = store.list().sort((a, b) => (key(a) < key(b) ? -1 : 1));
    const rest = typeof after === 'string' ? sorted.filter((object) => key(object) > after) : sorted;
    const items = rest.slice(0, listLimit);
    const last = items.at(-1);
    return {
      items,
      total: sorted.length,
      ...(rest.length > items.length && last ? { next: `${path}?after=${encodeURIComponent(key(last))}` } : {}),
    };
  });
}

function missing(reply: FastifyReply, what: string) {
  return reply.code(404).send({ error: `there is no ${what}`, next: 'GET /api' });
}

function describeFleet(stores: ApiSources['stores']) {
  const ready = (object: { status?: { conditions?: Parameters<typeof findCondition>[0] } }) =>
    findCondition(object.status?.conditions ?? [], 'Ready')?.status ?? 'Unknown';
  // No object literal: a class may be named "constructor".
  const devices = new Map<string, Record<string, number>>();
  for (const device of stores.devices.list()) {
    const className = device.status?.deviceClassName ?? '';
    const counts = devices.get(className) ?? {};
    devices.set(className, counts);
    counts[ready(device)] = (counts[ready(device)] ?? 0) + 1;
  }
  const deployments: Record<string, number> = {};
  for (const deployment of stores.deployments.list()) deployments[ready(deployment)] = (deployments[ready(deployment)] ?? 0) + 1;
  return { devices: Object.fromEntries(devices), deployments, models: stores.versions.size, instances: stores.instances.size };
}

/** What every agent runs models with, whatever its board: a predictor of another runtime is transferred here too. */
const agentKey = { runtime: 'onnxruntime', executionProvider: 'cpu', spinning: false };

/** What every class would spend on every variant, at every boundary it has a predictor for. Plain SI numbers. */
function describePredictions({ classes, estimator }: ApiSources['stores'], version: Stored<ModelVersion>) {
  const items = classes.list().flatMap(({ metadata: { name: deviceClass } }) => {
    const device: EdgeDevice = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'EdgeDevice',
      metadata: { name: '' },
      spec: {},
      status: { deviceClassName: deviceClass, classKey: agentKey },
    };
    return version.spec.variants.flatMap((variant) =>
      boundaries.flatMap((boundary) => {
        const prediction = estimator.predict(variant, device, undefined, boundary, 90);
        return prediction?.boundary === boundary ? [{ deviceClass, variant: variant.name, ...prediction }] : [];
      }),
    );
  });
  return { model: version.metadata.name, items };
}
