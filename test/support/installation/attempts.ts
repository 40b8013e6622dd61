// What a device called board-1 tries, and what it must be told: the same on a cluster with our manifests and on the embedded server.
import { devicesNamespace, systemNamespace } from '../../../crds/names.ts';

export interface Attempt {
  says: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  contentType?: string;
  headers?: Record<string, string>;
}

const ours = '/apis/jouleops.dev/v1alpha1';
const leases = `/apis/coordination.k8s.io/v1/namespaces/${devicesNamespace}/leases`;
const instances = `${ours}/namespaces/default/modelinstances`;
const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const types = {
  apply: 'application/apply-patch+yaml',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
} as const;

const object = (kind: string, name: string, more: object = {}) => ({
  apiVersion: 'jouleops.dev/v1alpha1',
  kind,
  metadata: { name },
  ...more,
});
const lease = (name: string, metadata: object = {}) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, ...metadata },
  spec: { renewTime: '2026-01-01T00:00:00.000000Z' },
});

function patch(type: keyof typeof types, path: string, body: unknown): Pick<Attempt, 'method' | 'path' | 'body' | 'contentType'> {
  const query = type === 'apply' ? '?fieldManager=jouleops-agent&force=true' : '';
  return { method: 'PATCH', path: `${path}${query}`, body, contentType: types[type] };
}
const get = (path: string) => ({ method: 'GET' as const, path });
const post = (path: string, body: unknown) => ({ method: 'POST' as const, path, body });
const put = (path: string, body: unknown) => ({ method: 'PUT' as const, path, body });
const remove = (path: string) => ({ method: 'DELETE' as const, path });

/** What an agent lives on. */
export const allowed: readonly Attempt[] = [
  { says: 'list its own object', ...get(`${ours}/edgedevices?fieldSelector=metadata.name%3Dboard-1`) },
  {
    says: 'watch its own object',
    ...get(`${ours}/edgedevices?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dboard-1`),
  },
  { says: 'read an instance', ...get(`${instances}/on-board-1`) },
  {
    says: 'apply its own status',
    ...patch(
      'apply',
      `${ours}/edgedevices/board-1/status`,
      object('EdgeDevice', 'board-1', { status: { agentVersion: '1.0.0' } }),
    ),
  },
  {
    says: 'apply the status of its own instance',
    ...patch('apply', `${instances}/on-board-1/status`, object('ModelInstance', 'on-board-1', { status: { phase: 'Serving' } })),
  },
  { says: 'renew its own Lease', ...patch('merge', `${leases}/board-1`, { spec: { renewTime: '2026-01-01T00:00:00.000000Z' } }) },
];

/** Told 200, but what is not status stays as it was. */
export const withoutEffect: readonly Attempt[] = [
  {
    says: 'carry a spec and labels through the door of its status',
    ...patch('merge', `${ours}/edgedevices/board-1/status`, {
      metadata: { labels: { mine: 'yes' }, annotations: { 'jouleops.dev/key-fingerprint': 'other' }, finalizers: ['a.b/c'] },
      spec: { unschedulable: true },
    }),
  },
  {
    says: 'move its instance through the door of its status',
    ...patch('merge', `${instances}/on-board-1/status`, {
      metadata: { labels: { mine: 'yes' } },
      spec: { deviceName: 'board-2' },
    }),
  },
];

const secretReads = [
  '/api/v1/secrets',
  '/api/v1/secrets?watch=1',
  '/api/v1/namespaces/default/secrets',
  '/api/v1/namespaces/default/secrets/theirs',
  `/api/v1/namespaces/${systemNamespace}/secrets`,
  `/api/v1/namespaces/${systemNamespace}/secrets?watch=1`,
  `/api/v1/namespaces/${systemNamespace}/secrets/jouleops-join-tokens`,
  `/api/v1/namespaces/${systemNamespace}/secrets/jouleops-device-port-ca`,
  `/api/v1/namespaces/${systemNamespace}/secrets/jouleops-device-port-ca?watch=1`,
];
const otherReads = [
  '/api/v1/namespaces',
  '/api/v1/configmaps',
  '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
  `/api/v1/namespaces/${systemNamespace}/configmaps/jouleops-device-port`,
  `${ours}/modeldeployments`,
  `${ours}/modelversions`,
  `${ours}/deviceclasses`,
  `${ours}/fleetrepositories`,
  `${ours}/edgedevices/board-2`,
  `${ours}/edgedevices/board-1/status`,
  `${ours}/modelinstances`,
  `${ours}/modelinstances?watch=1&fieldSelector=spec.deviceName%3Dboard-1`,
  instances,
  `${instances}/on-board-1/status`,
  leases,
  `${leases}?watch=1`,
  `${leases}/board-1`,
  `${leases}/board-2`,
  `/apis/coordination.k8s.io/v1/namespaces/${systemNamespace}/leases/jouleops-controller`,
  '/apis/apps/v1/controllerrevisions',
  '/apis/events.k8s.io/v1/events',
  requests,
];

/** Told 403. */
export const refused: readonly Attempt[] = [
  ...secretReads.map((path) => ({ says: `read ${path}`, ...get(path) })),
  ...otherReads.map((path) => ({ says: `read ${path}`, ...get(path) })),
  {
    says: 'read Secrets as somebody else',
    ...get(`/api/v1/namespaces/${systemNamespace}/secrets`),
    headers: { 'impersonate-user': 'admin', 'impersonate-group': 'system:masters' },
  },
  {
    says: 'make a Secret',
    ...post('/api/v1/namespaces/default/secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }),
  },
  {
    says: 'change a Secret',
    ...patch('merge', `/api/v1/namespaces/${systemNamespace}/secrets/jouleops-join-tokens`, { data: { x: 'eA==' } }),
  },
  {
    says: 'apply a Secret',
    ...patch('apply', '/api/v1/namespaces/default/secrets/x', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }),
  },
  { says: 'delete a Secret', ...remove(`/api/v1/namespaces/${systemNamespace}/secrets/jouleops-join-tokens`) },
  { says: 'make a namespace', ...post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } }) },
  { says: 'make a device', ...post(`${ours}/edgedevices`, object('EdgeDevice', 'board-9', { spec: {} })) },
  {
    says: 'apply a device into being',
    ...patch('apply', `${ours}/edgedevices/board-9`, object('EdgeDevice', 'board-9', { spec: {} })),
  },
  { says: 'change its own spec', ...patch('merge', `${ours}/edgedevices/board-1`, { spec: { hold: true } }) },
  {
    says: 'change its own labels',
    ...patch('merge', `${ours}/edgedevices/board-1`, { metadata: { labels: { site: 'hall-2' } } }),
  },
  {
    says: 'unbind its own name',
    ...patch('merge', `${ours}/edgedevices/board-1`, { metadata: { annotations: { 'jouleops.dev/key-fingerprint': null } } }),
  },
  { says: 'delete its own device', ...remove(`${ours}/edgedevices/board-1`) },
  { says: 'delete all devices', ...remove(`${ours}/edgedevices`) },
  { says: 'change the spec of another device', ...patch('merge', `${ours}/edgedevices/board-2`, { spec: { hold: true } }) },
  {
    says: 'apply the status of another device',
    ...patch(
      'apply',
      `${ours}/edgedevices/board-2/status`,
      object('EdgeDevice', 'board-2', { status: { agentVersion: '6.6.6' } }),
    ),
  },
  {
    says: 'merge into the status of another device',
    ...patch('merge', `${ours}/edgedevices/board-2/status`, { status: { agentVersion: '6.6.6' } }),
  },
  {
    says: 'patch the status of another device by JSON patch',
    ...patch('json', `${ours}/edgedevices/board-2/status`, [{ op: 'add', path: '/status', value: { agentVersion: '6.6.6' } }]),
  },
  { says: 'replace its own status', ...put(`${ours}/edgedevices/board-1/status`, object('EdgeDevice', 'board-1', { spec: {} })) },
  {
    says: 'make an instance',
    ...post(
      instances,
      object('ModelInstance', 'mine', { spec: { deviceName: 'board-1', deploymentName: 'd', deploymentUid: 'u' } }),
    ),
  },
  {
    says: 'change the spec of its own instance',
    ...patch('merge', `${instances}/on-board-1`, { spec: { deploymentName: 'x' } }),
  },
  { says: 'delete its own instance', ...remove(`${instances}/on-board-1`) },
  {
    says: 'apply the status of an instance elsewhere',
    ...patch('apply', `${instances}/on-board-2/status`, object('ModelInstance', 'on-board-2', { status: { phase: 'Failed' } })),
  },
  {
    says: 'merge into the status of an instance elsewhere',
    ...patch('merge', `${instances}/on-board-2/status`, { status: { phase: 'Failed' } }),
  },
  {
    says: 'claim an instance elsewhere while writing its status',
    ...patch('merge', `${instances}/on-board-2/status`, { spec: { deviceName: 'board-1' }, status: { phase: 'Failed' } }),
  },
  { says: 'make a Lease', ...post(leases, lease('board-9')) },
  {
    says: 'apply a Lease of its name into being elsewhere',
    ...patch('apply', '/apis/coordination.k8s.io/v1/namespaces/default/leases/board-1', lease('board-1')),
  },
  {
    says: 'renew the Lease of another',
    ...patch('merge', `${leases}/board-2`, { spec: { renewTime: '2026-01-01T00:00:00.000000Z' } }),
  },
  { says: 'apply the Lease of another', ...patch('apply', `${leases}/board-2`, lease('board-2')) },
  {
    says: 'take the controller’s leadership',
    ...patch('merge', `/apis/coordination.k8s.io/v1/namespaces/${systemNamespace}/leases/jouleops-controller`, {
      spec: { holderIdentity: 'me' },
    }),
  },
  { says: 'label its own Lease', ...patch('merge', `${leases}/board-1`, { metadata: { labels: { mine: 'yes' } } }) },
  { says: 'annotate its own Lease', ...patch('apply', `${leases}/board-1`, lease('board-1', { annotations: { mine: 'yes' } })) },
  {
    says: 'keep its own Lease from being deleted',
    ...patch('merge', `${leases}/board-1`, { metadata: { finalizers: ['a.b/c'] } }),
  },
  {
    says: 'give its own Lease an owner',
    ...patch('merge', `${leases}/board-1`, {
      metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Namespace', name: 'default', uid: 'u' }] },
    }),
  },
  { says: 'replace its own Lease', ...put(`${leases}/board-1`, lease('board-1')) },
  { says: 'delete its own Lease', ...remove(`${leases}/board-1`) },
  {
    says: 'declare a deployment',
    ...post(`${ours}/namespaces/default/modeldeployments`, object('ModelDeployment', 'mine', { spec: {} })),
  },
  { says: 'declare a model', ...post(`${ours}/namespaces/default/modelversions`, object('ModelVersion', 'mine', { spec: {} })) },
  { says: 'declare a class', ...post(`${ours}/deviceclasses`, object('DeviceClass', 'mine', { spec: {} })) },
  {
    says: 'write the status of a deployment',
    ...patch('merge', `${ours}/namespaces/default/modeldeployments/theirs/status`, { status: {} }),
  },
  {
    says: 'ask for a certificate',
    ...post(requests, { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'x' } }),
  },
  { says: 'approve a certificate', ...patch('merge', `${requests}/pending/approval`, { status: { conditions: [] } }) },
  {
    says: 'record an event',
    ...post('/apis/events.k8s.io/v1/namespaces/default/events', {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'x' },
    }),
  },
];
