// Options in the query, and those of a delete in its body.
import { asked, bodyType, type Caller, type Feature, feature, member, option } from './feature.ts';
import type { RecordedCall } from './recorded-call.ts';

const selects = (parameter: 'labelSelector' | 'fieldSelector', form: RegExp) => (call: RecordedCall) =>
  form.test(option(call, parameter));
const says = (name: string, value: RegExp, callers: readonly Caller[]) =>
  feature(`${name} ${value.source.replace(/^\^|\$$/g, '')}`, callers, (call) => value.test(option(call, name)));
const watches = (name: string, resourceVersion: RegExp, callers: readonly Caller[]) =>
  feature(`watch ${name} (resourceVersion)`, callers, (call) => {
    return asked(call, 'watch') && resourceVersion.test(option(call, 'resourceVersion'));
  });
const deletes = (call: RecordedCall) => asked(call, 'delete', 'deletecollection');
const propagation = (policy: string, callers: readonly Caller[]) =>
  feature(`propagationPolicy ${policy} in the body`, callers, (call) => {
    return deletes(call) && member(call, 'propagationPolicy') === `"${policy}"`;
  });

export const optionFeatures: readonly Feature[] = [
  feature('labelSelector a=b', ['kube', 'kubectl', 'python'], selects('labelSelector', /^[^!]*[^!]=/)),
  feature('labelSelector a!=b', ['kubectl'], selects('labelSelector', /!=/)),
  feature('labelSelector a in (b)', ['kubectl'], selects('labelSelector', / in \(/)),
  feature('labelSelector a notin (b)', ['kubectl'], selects('labelSelector', / notin \(/)),
  feature('labelSelector a', ['product', 'kubectl'], selects('labelSelector', /^[\w./-]+$/)),
  feature('labelSelector !a', ['kubectl'], selects('labelSelector', /^![^=]+$/)),
  feature('fieldSelector metadata.name', ['product', 'kube', 'kubectl', 'python'], selects('fieldSelector', /metadata\.name=/)),
  feature('fieldSelector metadata.namespace', ['kubectl'], selects('fieldSelector', /metadata\.namespace=/)),
  feature(
    'fieldSelector of a selectable field',
    ['kubectl'],
    selects('fieldSelector', /(spec|status|type|reason|regarding|involvedObject)/),
  ),
  feature('fieldSelector !=', ['kubectl'], selects('fieldSelector', /!=/)),
  says('limit', /^\d+$/, ['product', 'kube', 'kubectl', 'python']),
  says('continue', /^.+$/, ['kube']),
  feature(
    'list at resourceVersion',
    ['kubectl', 'python'],
    (call) => asked(call, 'list') && option(call, 'resourceVersion') !== '',
  ),
  feature(
    'list with resourceVersionMatch NotOlderThan',
    ['python'],
    (call) => asked(call, 'list') && option(call, 'resourceVersionMatch') === 'NotOlderThan',
  ),
  watches('from nothing', /^$/, ['python', 'client-go']),
  watches('from 0', /^0$/, ['python']),
  watches('from a version', /^[1-9]/, ['product', 'kube', 'kubectl', 'python', 'client-node']),
  says('allowWatchBookmarks', /^true$/, ['product', 'kube', 'kubectl', 'client-go']),
  says('sendInitialEvents', /^true$/, ['client-go']),
  says('timeoutSeconds', /^\d+$/, ['product', 'kube', 'kubectl', 'python', 'client-go']),
  says('dryRun', /^All$/, ['kube', 'kubectl']),
  says('fieldManager', /^.+$/, ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node']),
  feature(
    'force=true of an apply',
    ['product', 'kube', 'kubectl', 'python', 'client-go', 'client-node'],
    (call) => asked(call, 'patch') && option(call, 'force') === 'true',
  ),
  feature(
    'apply without force',
    ['kube', 'kubectl', 'python', 'client-go', 'client-node'],
    (call) => bodyType(call) === 'application/apply-patch+yaml' && option(call, 'force') !== 'true',
  ),
  says('fieldValidation', /^Strict$/, ['kubectl', 'client-go']),
  says('fieldValidation', /^Warn$/, ['kubectl']),
  says('fieldValidation', /^Ignore$/, ['kubectl']),
  feature('propagationPolicy in the query', ['python'], (call) => deletes(call) && option(call, 'propagationPolicy') !== ''),
  propagation('Background', ['product', 'kubectl']),
  propagation('Foreground', ['kubectl']),
  propagation('Orphan', ['kubectl']),
  feature('dryRun in the body of a delete', ['kubectl'], (call) => deletes(call) && member(call, 'dryRun') === '["All"]'),
  feature('precondition uid', ['kube'], (call) => deletes(call) && member(call, 'preconditions', 'uid') !== ''),
  feature(
    'precondition resourceVersion',
    ['python'],
    (call) => deletes(call) && member(call, 'preconditions', 'resourceVersion') !== '',
  ),
];
