// The facts that every form of discovery states.
import type { Registry } from '../registry/registry.ts';
import type { ServedKind } from '../registry/served-kind.ts';

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly kinds: readonly ServedKind[];
}

/** One entry per group: every group is served in one version. */
export function groupVersions(registry: Registry): GroupVersion[] {
  const groups = Map.groupBy(registry.kinds, ({ compiled }) => compiled.definition.group);
  return [...groups].flatMap(([group, kinds]) => {
    const version = kinds[0]?.compiled.definition.version;
    return version === undefined ? [] : [{ group, version, kinds }];
  });
}

export function formatGroupVersion({ group, version }: { group: string; version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

export function verbsOf(registry: Registry, kind: ServedKind): string[] {
  const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
  return kind === registry.namespaces ? verbs.filter((verb) => verb !== 'deletecollection') : verbs;
}

export const subresourceVerbs = ['get', 'patch', 'update'];
