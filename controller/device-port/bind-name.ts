// What stands for a device on the cluster: its EdgeDevice, bound to one key, and the Lease of its heartbeat.
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { JoinRequest } from '../../crds/join.ts';
import { annotations, devicesNamespace, deviceUserName, fieldManagers } from '../../crds/names.ts';
import { edgeDevices } from '../../crds/resources.ts';
import { isAlreadyExists, isNotFound } from '../../kube/api/api-error.ts';
import { type Lease, leases, namespaces } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Caller } from './caller.ts';
import { type JoinRefused, refuse } from './join-refused.ts';

/** One name, one key: a second board with the same name is refused until somebody resets the device. */
export async function bindName(
  client: Client,
  request: JoinRequest,
  fingerprint: string,
  renewal: Caller | undefined,
  signal: AbortSignal,
): Promise<Stored<EdgeDevice>> {
  const key = { name: request.name };
  const fresh: EdgeDevice = {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'EdgeDevice',
    metadata: { ...key, annotations: { [annotations.keyFingerprint]: fingerprint } },
    spec: request.deviceClassName === undefined ? {} : { deviceClassName: request.deviceClassName },
  };
  const created = renewal
    ? undefined
    : await unlessExists(client.create(edgeDevices, fresh, { signal, fieldManager: fieldManagers.controller }));
  if (created) return created;
  const device = await client.get(edgeDevices, key, { signal }).catch((error: unknown) => {
    if (renewal && isNotFound(error)) throw noLongerBound(request.name);
    throw error;
  });
  const bound = device.metadata.annotations?.[annotations.keyFingerprint];
  // The request is signed by the very key that the name is bound to: an earlier answer got lost.
  if (bound === fingerprint) return device;
  // A certificate outlives the removal of its device: only the key that the name is bound to renews.
  if (renewal && bound !== renewal.keyFingerprint) throw noLongerBound(request.name);
  // A rotation may bring a new key; so may the first join of a device that somebody created by hand or reset.
  if (bound !== undefined && !renewal)
    throw refuse(
      409,
      'NameTaken',
      `another board joined as ${request.name}`,
      `give this board another name, or run "jouleops device reset ${request.name}" when it replaces the other`,
    );
  return await client.patch(
    edgeDevices,
    key,
    {
      kind: 'merge',
      body: {
        metadata: {
          resourceVersion: device.metadata.resourceVersion,
          annotations: { [annotations.keyFingerprint]: fingerprint },
        },
      },
    },
    { signal, fieldManager: fieldManagers.controller },
  );
}

function noLongerBound(name: string): JoinRefused {
  return refuse(
    401,
    'InvalidToken',
    `the certificate no longer stands for device ${name}`,
    'join again with a token ("jouleops device token")',
  );
}

/** The heartbeat, owned by its device. Its namespace comes with the installation; without one, it is made here if the caller may. */
export async function ensureLease(client: Client, device: Stored<EdgeDevice>, signal: AbortSignal): Promise<void> {
  const { apiVersion, kind, metadata } = device;
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid };
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: metadata.name, namespace: devicesNamespace, ownerReferences: [owner] },
    spec: { holderIdentity: deviceUserName(metadata.name) },
  };
  if (await createLease(client, lease, signal)) return;
  const key = { namespace: devicesNamespace, name: metadata.name };
  const found = await client.get(leases, key, { signal });
  if (found.metadata.ownerReferences?.some(({ uid }) => uid === owner.uid)) return;
  // Left by an earlier device of this name: it would be collected along with that one, and this device's heartbeat with it.
  const { uid, resourceVersion } = found.metadata;
  await client.delete(leases, key, { signal, uid, resourceVersion });
  await createLease(client, lease, signal);
}

/** @returns whether it is new. */
async function createLease(client: Client, lease: Lease, signal: AbortSignal): Promise<boolean> {
  const create = async () => (await unlessExists(client.create(leases, lease, { signal }))) !== undefined;
  try {
    return await create();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: devicesNamespace } };
    await unlessExists(client.create(namespaces, namespace, { signal }));
    return await create();
  }
}

async function unlessExists<T>(creation: Promise<T>): Promise<T | undefined> {
  try {
    return await creation;
  } catch (error) {
    if (isAlreadyExists(error)) return undefined;
    throw error;
  }
}
