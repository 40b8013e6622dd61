// Discovery one group at a time, for clients that do not know the aggregated form: the Python client, older tools.
import { type Answer, ok } from '../http/answer.ts';
import type { Registry } from '../registry/registry.ts';
import { formatGroupVersion, type GroupVersion, groupVersions, subresourceVerbs, verbsOf } from './resources.ts';

export function legacyDiscovery(registry: Registry): [string, () => Answer][] {
  const all = groupVersions(registry);
  const named = all.filter(({ group }) => group !== '');
  return [
    ['/api', () => ok({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })],
    ['/apis', () => ok({ kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(apiGroup) })],
    ...named.map((entry): [string, () => Answer] => [
      `/apis/${entry.group}`,
      () => ok({ kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(entry) }),
    ]),
    ...all.map((entry): [string, () => Answer] => [
      `${entry.group === '' ? '/api' : '/apis'}/${formatGroupVersion(entry)}`,
      () => ok(resourceList(registry, entry)),
    ]),
  ];
}

function apiGroup(entry: GroupVersion) {
  const version = { groupVersion: formatGroupVersion(entry), version: entry.version };
  return { name: entry.group, versions: [version], preferredVersion: version };
}

function resourceList(registry: Registry, entry: GroupVersion) {
  const resources = entry.kinds.flatMap((kind) => {
    const { plural, singular, namespaced, kind: kindName, shortNames, categories } = kind.compiled.definition;
    const own = {
      name: plural,
      singularName: singular,
      namespaced,
      kind: kindName,
      verbs: verbsOf(registry, kind),
      ...(shortNames.length === 0 ? {} : { shortNames }),
      ...(categories.length === 0 ? {} : { categories }),
    };
    const below = kind.subresources.map((subresource) => ({
      name: `${plural}/${subresource}`,
      singularName: '',
      namespaced,
      kind: kindName,
      verbs: subresourceVerbs,
    }));
    return [own, ...below];
  });
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: formatGroupVersion(entry), resources };
}
