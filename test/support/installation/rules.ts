// Permissions out of RBAC objects, and which of them a recorded call needs. Pure.
import type { KubeObject } from '../../../kube/api/objects.ts';

/** One thing that may be done. Without a namespace: everywhere; without a name: to every object. */
export interface Permission {
  namespace?: string;
  group: string;
  /** With its subresource: `edgedevices/status`. */
  resource: string;
  verb: string;
  name?: string;
}

export interface Subject {
  kind: 'ServiceAccount' | 'Group';
  name: string;
  namespace?: string;
}

interface Rule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  verbs: string[];
}

type Role = KubeObject & { rules: Rule[] };
type Binding = KubeObject & { roleRef: { kind: string; name: string }; subjects: Subject[] };

/** What the roles bound to `subject` allow, one verb and one name at a time. @throws when a rule has a wildcard. */
export function permissionsOf(objects: readonly KubeObject[], subject: Subject): Permission[] {
  const bindings = objects.filter((object): object is Binding => object.kind.endsWith('RoleBinding'));
  const mine = bindings.filter(({ subjects }) =>
    subjects.some(
      ({ kind, name, namespace }) => kind === subject.kind && name === subject.name && namespace === subject.namespace,
    ),
  );
  return mine.flatMap(({ roleRef, metadata }) => {
    const role = objects.find(
      (object): object is Role =>
        object.kind === roleRef.kind &&
        object.metadata.name === roleRef.name &&
        (roleRef.kind === 'ClusterRole' || object.metadata.namespace === metadata.namespace),
    );
    if (!role) throw new Error(`${metadata.name} binds ${roleRef.kind} ${roleRef.name}, which is not there`);
    return role.rules.flatMap((rule) => expand(rule, metadata.namespace));
  });
}

function expand(rule: Rule, namespace: string | undefined): Permission[] {
  const { apiGroups = [], resources = [], verbs, resourceNames } = rule;
  if ([...apiGroups, ...resources, ...verbs].some((text) => text.includes('*')))
    throw new Error(`a rule with a wildcard: ${JSON.stringify(rule)}`);
  const names = resourceNames ?? [undefined];
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) =>
        names.map((name) => ({
          group,
          resource,
          verb,
          ...(namespace === undefined ? {} : { namespace }),
          ...(name === undefined ? {} : { name }),
        })),
      ),
    ),
  );
}

export function covers(permission: Permission, needed: Permission): boolean {
  const { group, resource, verb, namespace, name } = permission;
  return (
    group === needed.group &&
    resource === needed.resource &&
    verb === needed.verb &&
    (namespace === undefined || namespace === needed.namespace) &&
    (name === undefined || name === needed.name)
  );
}

/** What no permission covers, and the permissions that nothing needed. */
export function compareRules(
  permissions: readonly Permission[],
  needed: readonly Permission[],
): { missing: string[]; unused: string[] } {
  const missing = needed.filter((one) => !permissions.some((permission) => covers(permission, one)));
  const unused = permissions.filter((permission) => !needed.some((one) => covers(permission, one)));
  return { missing: [...new Set(missing.map(describePermission))].sort(), unused: unused.map(describePermission).sort() };
}

export function describePermission({ group, resource, verb, namespace, name }: Permission): string {
  return `${verb} ${[resource, group].filter(Boolean).join('.')}${name === undefined ? '' : ` ${name}`}${namespace === undefined ? '' : ` in ${namespace}`}`;
}
