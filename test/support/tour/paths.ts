// Paths and small objects that the cases share.
import type { Tour } from './tour.ts';

const ours = '/apis/jouleops.dev/v1alpha1';
export const digest = `sha256:${'a'.repeat(64)}`;

export const merge = 'application/merge-patch+json';
export const json = 'application/json-patch+json';
export const apply = 'application/apply-patch+yaml';

type At = (tour: Tour, name?: string, subresource?: string) => string;
const namespaced =
  (root: string, plural: string): At =>
  (tour, name, subresource) =>
    [`${root}/namespaces/${tour.namespace}/${plural}`, name, subresource].filter((part) => part !== undefined).join('/');
const clusterWide =
  (root: string, plural: string) =>
  (name?: string, subresource?: string): string =>
    [`${root}/${plural}`, name, subresource].filter((part) => part !== undefined).join('/');

export const versions = namespaced(ours, 'modelversions');
export const deployments = namespaced(ours, 'modeldeployments');
export const instances = namespaced(ours, 'modelinstances');
export const devices = clusterWide(ours, 'edgedevices');
export const configMaps = namespaced('/api/v1', 'configmaps');
export const secrets = namespaced('/api/v1', 'secrets');
export const namespaces = clusterWide('/api/v1', 'namespaces');
export const leases = namespaced('/apis/coordination.k8s.io/v1', 'leases');
export const events = namespaced('/apis/events.k8s.io/v1', 'events');
export const revisions = namespaced('/apis/apps/v1', 'controllerrevisions');
export const requests = clusterWide('/apis/certificates.k8s.io/v1', 'certificatesigningrequests');

type Fields = Record<string, unknown>;
const meta = (name: string, more: Fields = {}): Fields => ({ name, ...more });

export function version(name: string, spec: Fields = {}, metadata: Fields = {}): Fields {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelVersion',
    metadata: meta(name, metadata),
    spec: {
      family: 'machine-state',
      version: '1.0.0',
      variants: [{ name: 'fp32', digest, sources: [{ uri: 'store://machine-state/1/model.onnx' }] }],
      ...spec,
    },
  };
}

export function deployment(name: string, spec: Fields = {}, metadata: Fields = {}): Fields {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: meta(name, metadata),
    spec: { modelVersionName: 'machine-state-1', budget: { energyPerInference: '80mJ' }, placement: { replicas: 1 }, ...spec },
  };
}

export function device(name: string, spec: Fields = {}, metadata: Fields = {}): Fields {
  return { apiVersion: 'jouleops.dev/v1alpha1', kind: 'EdgeDevice', metadata: meta(name, metadata), spec };
}

export function instance(name: string, deviceName: string, metadata: Fields = {}): Fields {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelInstance',
    metadata: meta(name, metadata),
    spec: { deviceName, deploymentName: 'a', deploymentUid: 'a-uid' },
  };
}

export function configMap(name: string, data: Fields = { a: '1' }, metadata: Fields = {}): Fields {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(name, metadata), data };
}

/** A condition as a status holds it; its times are the case's own, so they are compared. */
export function condition(type: string, status: 'True' | 'False' | 'Unknown', reason = 'Because'): Fields {
  return { type, status, reason, message: 'a message', lastTransitionTime: '2026-01-01T00:00:00Z' };
}
