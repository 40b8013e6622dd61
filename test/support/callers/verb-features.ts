// Verbs, kinds and doors.
import { asked, type Caller, type Feature, feature } from './feature.ts';
import type { RecordedCall } from './recorded-call.ts';

const resource = (call: RecordedCall, group: string, plural: string) =>
  call.info.kind === 'resource' && call.info.group === group && call.info.plural === plural;
const kind = (group: string, plural: string, callers: readonly Caller[]) =>
  feature(`kind ${group === '' ? plural : `${plural}.${group}`}`, callers, (call) => resource(call, group, plural));
const door = (name: string, verb: 'get' | 'update' | 'patch', callers: readonly Caller[]) =>
  feature(
    `${verb} /${name}`,
    callers,
    (call) => call.info.kind === 'resource' && call.info.subresource === name && asked(call, verb),
  );

const ours = 'jouleops.dev';

export const verbFeatures: readonly Feature[] = [
  feature('get', ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node'], (call) => asked(call, 'get')),
  feature(
    'list in a namespace',
    ['product', 'kube', 'kubectl', 'python', 'client-node'],
    (call) => call.info.kind === 'resource' && call.info.namespace !== undefined && asked(call, 'list'),
  ),
  feature('list over all namespaces', ['product', 'kube', 'kubectl'], (call) =>
    ['modeldeployments', 'modelinstances', 'configmaps', 'leases', 'modelversions'].some(
      (plural) =>
        call.info.kind === 'resource' && call.info.plural === plural && call.info.namespace === undefined && asked(call, 'list'),
    ),
  ),
  feature('watch', ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node'], (call) => asked(call, 'watch')),
  feature('create', ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node'], (call) => asked(call, 'create')),
  feature('create with generateName', ['kubectl'], (call) => asked(call, 'create') && call.body.includes('"generateName"')),
  feature('update', ['product', 'kube', 'kubectl', 'python', 'client-go'], (call) => asked(call, 'update')),
  feature('patch', ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node'], (call) => asked(call, 'patch')),
  feature('delete', ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node'], (call) => asked(call, 'delete')),
  feature('deletecollection', ['python'], (call) => asked(call, 'deletecollection')),
  door('status', 'get', ['kubectl']),
  door('status', 'update', ['python']),
  door('status', 'patch', ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node']),
  door('approval', 'update', ['kubectl']),
  door('approval', 'patch', ['product']),
  kind(ours, 'modeldeployments', ['product', 'kubectl', 'python', 'client-go', 'client-node']),
  kind(ours, 'modelversions', ['product']),
  kind(ours, 'modelinstances', ['product']),
  kind(ours, 'edgedevices', ['product', 'kube', 'kubectl']),
  kind(ours, 'deviceclasses', ['product']),
  kind(ours, 'fleetrepositories', ['product']),
  kind(ours, 'trainingruns', ['kubectl']),
  kind('', 'namespaces', ['product', 'kube', 'kubectl', 'python']),
  kind('', 'secrets', ['product', 'kubectl', 'python']),
  kind('', 'configmaps', ['product', 'kube', 'kubectl', 'python', 'client-node']),
  kind('', 'events', ['kubectl']),
  kind('events.k8s.io', 'events', ['product', 'kube', 'kubectl']),
  kind('coordination.k8s.io', 'leases', ['product', 'kube', 'client-go']),
  kind('apps', 'controllerrevisions', ['product']),
  kind('certificates.k8s.io', 'certificatesigningrequests', ['product', 'kubectl']),
];
