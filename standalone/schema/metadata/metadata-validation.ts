// Whether metadata may be stored. Algorithm: k8s.io/apimachinery, api/validation/objectmeta.go.
import { equalJson, isObject, type JsonObject, type JsonValue, property, textAt } from '../json.ts';
import type { Cause } from '../structural-schema.ts';
import { child, forbidden, index, invalid, required, tooLong } from '../validation/field-error.ts';
import { labelProblems, labelValueProblems, pathSegmentProblems, qualifiedNameProblems, subdomainProblems } from './names.ts';
import { metadataOf } from './object-meta.ts';

export interface MetadataRules {
  namespaced: boolean;
  nameSyntax: 'subdomain' | 'label' | 'path-segment';
}

const nameProblems = {
  subdomain: (name: string) => subdomainProblems(name),
  label: labelProblems,
  'path-segment': pathSegmentProblems,
};
const annotationBytes = 256 * 1024;

/** On a create: names as well. The metadata must have been coerced. */
export function validateNewMetadata(object: JsonObject, rules: MetadataRules): Cause[] {
  const metadata = metadataOf(object);
  return [
    ...nameCauses(metadata, rules),
    ...namespaceCauses(metadata, rules),
    ...commonCauses(metadata),
    ...finalizerCauses(metadata),
  ];
}

/** On an update: what must not change does not. */
export function validateChangedMetadata(object: JsonObject, old: JsonObject): Cause[] {
  const metadata = metadataOf(object);
  const before = metadataOf(old);
  const version = textAt(metadata, 'resourceVersion');
  const fixed = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'];
  return [
    ...newFinalizers(metadata, before),
    ...(version === '' ? [invalid('metadata.resourceVersion', version, 'must be specified for an update')] : []),
    ...fixed
      .filter((name) => !equalJson(property(metadata, name), property(before, name)))
      .map((name) => invalid(`metadata.${name}`, property(metadata, name) ?? '', 'field is immutable')),
    ...commonCauses(metadata),
  ];
}

function listOf(object: JsonObject, name: string): JsonValue[] {
  const value = property(object, name);
  return Array.isArray(value) ? value : [];
}

function textsOf(object: JsonObject, name: string): string[] {
  return listOf(object, name).filter((item) => typeof item === 'string');
}

function entriesOf(object: JsonObject, name: string): [string, string][] {
  const value = property(object, name);
  return isObject(value) ? Object.entries(value).map(([key, item]) => [key, typeof item === 'string' ? item : '']) : [];
}

function nameCauses(metadata: JsonObject, rules: MetadataRules): Cause[] {
  const name = textAt(metadata, 'name');
  const generateName = textAt(metadata, 'generateName');
  const problems = nameProblems[rules.nameSyntax];
  // A prefix may end in a dash: the generated part follows it.
  const prefix = generateName.endsWith('-') ? `${generateName.slice(0, -1)}a` : generateName;
  const generated =
    generateName === '' ? [] : problems(prefix).map((text) => invalid('metadata.generateName', generateName, text));
  if (name === '') return [...generated, required('metadata.name', 'name or generateName is required')];
  return [...generated, ...problems(name).map((text) => invalid('metadata.name', name, text))];
}

function namespaceCauses(metadata: JsonObject, rules: MetadataRules): Cause[] {
  const namespace = textAt(metadata, 'namespace');
  if (!rules.namespaced) return namespace === '' ? [] : [forbidden('metadata.namespace', 'not allowed on this type')];
  if (namespace === '') return [required('metadata.namespace')];
  return labelProblems(namespace).map((text) => invalid('metadata.namespace', namespace, text));
}

function commonCauses(metadata: JsonObject): Cause[] {
  const labels = entriesOf(metadata, 'labels').flatMap(([name, value]) => [
    ...qualifiedNameProblems(name).map((text) => invalid('metadata.labels', name, text)),
    ...labelValueProblems(value).map((text) => invalid('metadata.labels', value, text)),
  ]);
  const annotations = entriesOf(metadata, 'annotations');
  const bytes = annotations.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  return [
    ...labels,
    ...annotations.flatMap(([name]) =>
      qualifiedNameProblems(name.toLowerCase()).map((text) => invalid('metadata.annotations', name, text)),
    ),
    ...(bytes > annotationBytes ? [tooLong('metadata.annotations', annotationBytes)] : []),
    ...ownerCauses(metadata),
    ...managedFieldsCauses(metadata),
  ];
}

function ownerCauses(metadata: JsonObject): Cause[] {
  const owners = listOf(metadata, 'ownerReferences').map((owner) => (isObject(owner) ? owner : {}));
  const controllers = owners.filter((owner) => owner['controller'] === true);
  const [first, second] = controllers.map((owner) => `${textAt(owner, 'kind')}/${textAt(owner, 'name')}`);
  const several = `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`;
  return [
    ...owners.flatMap((owner) => ownerProblems(owner, 'metadata.ownerReferences')),
    ...(controllers.length > 1 ? [invalid('metadata.ownerReferences', owners, several)] : []),
  ];
}

function ownerProblems(owner: JsonObject, path: string): Cause[] {
  const causes: Cause[] = [];
  if (textAt(owner, 'apiVersion') === '') causes.push(invalid(child(path, 'apiVersion'), '', 'version must not be empty'));
  for (const name of ['kind', 'name', 'uid']) {
    if (textAt(owner, name) === '') causes.push(invalid(child(path, name), '', 'must not be empty'));
  }
  if (textAt(owner, 'apiVersion') === 'v1' && textAt(owner, 'kind') === 'Event') {
    causes.push(invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner'));
  }
  return causes;
}

function finalizerCauses(metadata: JsonObject): Cause[] {
  const finalizers = textsOf(metadata, 'finalizers');
  const both = finalizers.includes('orphan') && finalizers.includes('foregroundDeletion');
  return [
    ...finalizers.flatMap((name) => qualifiedNameProblems(name).map((text) => invalid('metadata.finalizers', name, text))),
    ...(both ? [invalid('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set')] : []),
  ];
}

function newFinalizers(metadata: JsonObject, before: JsonObject): Cause[] {
  if (property(before, 'deletionTimestamp') === undefined) return [];
  const known = listOf(before, 'finalizers');
  const added = textsOf(metadata, 'finalizers')
    .filter((name) => !known.includes(name))
    .sort();
  if (added.length === 0) return [];
  const list = added.map((name) => JSON.stringify(name)).join(', ');
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [forbidden('metadata.finalizers', detail)];
}

function managedFieldsCauses(metadata: JsonObject): Cause[] {
  return listOf(metadata, 'managedFields').flatMap((entry, at) => {
    if (!isObject(entry)) return [];
    const path = index('metadata.managedFields', at);
    const operation = textAt(entry, 'operation');
    const fieldsType = textAt(entry, 'fieldsType');
    return [
      ...(operation === 'Apply' || operation === 'Update'
        ? []
        : [invalid(child(path, 'operation'), operation, 'must be `Apply` or `Update`')]),
      ...(fieldsType === '' || fieldsType === 'FieldsV1'
        ? []
        : [invalid(child(path, 'fieldsType'), fieldsType, 'must be `FieldsV1`')]),
    ];
  });
}
