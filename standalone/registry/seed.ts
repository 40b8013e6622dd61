import { adminGroup } from '../auth/user.ts';
import type { JsonObject } from '../schema/json.ts';
import type { Transaction } from '../storage/object-store.ts';
import { nameOf } from '../storage/stored-object.ts';
import { type RegistryContext, readServed } from './context.ts';
import { insert } from './create.ts';
import type { ServedKind } from './served-kind.ts';

const server = { name: 'system:apiserver', groups: [adminGroup] } as const;

/**
 * What is there before anybody has asked: the namespaces, and the ConfigMap in which controllers find the authority of client
 * certificates, as on any cluster. Writes nothing that is already so.
 */
export async function seedObjects(
  context: RegistryContext,
  certificateAuthority: string,
  ownNamespaces: readonly string[],
): Promise<void> {
  const { namespaces, configMaps } = context.registry;
  await context.store.write((transaction) => {
    for (const name of ['default', 'kube-system', ...ownNamespaces]) {
      ensure(context, transaction, namespaces, undefined, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    ensure(context, transaction, configMaps, 'kube-system', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
      data: { 'client-ca-file': certificateAuthority },
    });
  });
}

function ensure(
  context: RegistryContext,
  transaction: Transaction,
  kind: ServedKind,
  namespace: string | undefined,
  object: JsonObject,
): void {
  const target = { kind, namespace, user: server };
  if (readServed(transaction, target, nameOf(object)) === undefined) insert(context, transaction, target, object);
}
