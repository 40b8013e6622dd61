// Discovery in one request per root: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
import type { Answer } from '../http/answer.ts';
import type { Registry } from '../registry/registry.ts';
import type { ServedKind } from '../registry/served-kind.ts';
import { type GroupVersion, groupVersions, subresourceVerbs, verbsOf } from './resources.ts';

const contentType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Clients that know it list it first, with the older forms after it. */
export function isAggregated(path: string, accept: string): boolean {
  return (path === '/api' || path === '/apis') && accept.split(',').some((range) => range.replaceAll(' ', '') === contentType);
}

export function aggregatedDiscovery(registry: Registry, path: string): Answer {
  const groups = groupVersions(registry).filter(({ group }) => (group === '') === (path === '/api'));
  const items = groups.map((entry) => ({
    metadata: entry.group === '' ? {} : { name: entry.group },
    versions: [{ version: entry.version, resources: resources(registry, entry), freshness: 'Current' }],
  }));
  return {
    code: 200,
    body: { value: { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items } },
    contentType,
  };
}

function resources(registry: Registry, { kinds }: GroupVersion) {
  return kinds.map((kind) => {
    const { plural, singular, namespaced, shortNames, categories } = kind.compiled.definition;
    return {
      resource: plural,
      responseKind: groupVersionKind(kind),
      scope: namespaced ? 'Namespaced' : 'Cluster',
      singularResource: singular,
      verbs: verbsOf(registry, kind),
      ...(shortNames.length === 0 ? {} : { shortNames }),
      ...(categories.length === 0 ? {} : { categories }),
      ...(kind.subresources.length === 0 ? {} : { subresources: subresources(kind) }),
    };
  });
}

function subresources(kind: ServedKind) {
  return kind.subresources.map((subresource) => ({ subresource, responseKind: groupVersionKind(kind), verbs: subresourceVerbs }));
}

function groupVersionKind({ compiled }: ServedKind) {
  const { group, version, kind } = compiled.definition;
  return { group, version, kind };
}
