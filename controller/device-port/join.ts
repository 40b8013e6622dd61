// POST /join: turns a token (or the certificate in use) into a client certificate, an EdgeDevice and a Lease.
import type { Logger } from 'pino';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { JoinError, JoinRequest, JoinResponse } from '../../crds/join.ts';
import { annotations, devicesNamespace, deviceUserName, fieldManagers, simulatedSuffix } from '../../crds/names.ts';
import { edgeDevices } from '../../crds/resources.ts';
import { isAlreadyExists, isNotFound } from '../../kube/api/api-error.ts';
import { type Lease, leases, namespaces } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Caller } from './caller.ts';
import { checkCertificateRequest, isDeviceName } from './certificate-request.ts';
import { checkJoinToken } from './join-tokens.ts';
import { reviewServiceAccountToken } from './service-account.ts';
import { signClientCertificate } from './sign.ts';

export interface JoinDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
}

export interface JoinOptions {
  systemNamespace: string;
  apiServer: JoinResponse['apiServer'];
  artifacts: () => JoinResponse['artifacts'];
  /** Makes sure that the class of a simulated device is there. */
  ensureSimulatedClass: (className: string, signal: AbortSignal) => Promise<void>;
}

export class JoinRefused extends Error {
  override readonly name = 'JoinRefused';
  readonly status: number;
  readonly answer: JoinError;
  constructor(status: number, answer: JoinError) {
    super(answer.error);
    this.status = status;
    this.answer = answer;
  }
}

/** @throws JoinRefused with what to tell the caller. */
export async function join(
  deps: JoinDeps,
  options: JoinOptions,
  body: unknown,
  caller: Caller,
  signal: AbortSignal,
): Promise<JoinResponse> {
  const request = parseRequest(body);
  const fingerprint = await checkCertificateRequest(request.certificateRequest, request.name).catch((error: unknown) => {
    throw refuse(400, 'BadRequest', messageOf(error), 'send a PKCS#10 request made with the device\u2019s own key');
  });
  const renewal = await authenticate(deps, options, request, caller, signal);
  if (request.deviceClassName !== undefined) await options.ensureSimulatedClass(request.deviceClassName, signal);
  const device = await bindName(deps, request, fingerprint, renewal, signal);
  await ensureLease(deps.client, device, signal);
  const certificate = await signClientCertificate(deps, request.name, request.certificateRequest, signal).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      throw refuse(503, 'NotSigned', messageOf(error), 'the agent tries again by itself');
    },
  );
  deps.logger.info({ device: request.name, renewal: renewal !== undefined, agentVersion: request.agentVersion }, 'device joined');
  return { certificate, apiServer: options.apiServer, artifacts: options.artifacts(), deviceUid: device.metadata.uid };
}

function parseRequest(body: unknown): JoinRequest {
  const request = (typeof body === 'object' && body !== null ? body : {}) as Partial<JoinRequest>;
  if (typeof request.name !== 'string' || !isDeviceName(request.name))
    throw refuse(
      400,
      'BadRequest',
      `"${String(request.name).slice(0, 80)}" is not a device name`,
      'use at most 63 lower-case letters, digits and hyphens',
    );
  if (typeof request.certificateRequest !== 'string' || typeof request.agentVersion !== 'string')
    throw refuse(400, 'BadRequest', 'certificateRequest or agentVersion is missing', 'send both as strings');
  const { deviceClassName: className } = request;
  if (
    className !== undefined &&
    !(typeof className === 'string' && isDeviceName(className) && className.endsWith(simulatedSuffix))
  )
    throw refuse(
      400,
      'BadRequest',
      `a device cannot ask for class "${String(className)}"`,
      `only classes that end in ${simulatedSuffix} can be asked for; an operator sets spec.deviceClassName`,
    );
  return request as JoinRequest;
}

/** @returns the caller when the call renews the identity it is authenticated by. */
async function authenticate(
  deps: JoinDeps,
  options: JoinOptions,
  request: JoinRequest,
  caller: Caller,
  signal: AbortSignal,
): Promise<Caller | undefined> {
  const token = request.token;
  if (token === undefined) {
    if (caller.deviceName === request.name) return caller;
    const who = caller.userName === undefined ? 'no valid client certificate' : `the certificate of ${caller.userName}`;
    throw refuse(
      401,
      'InvalidToken',
      `the call carries no token and ${who}`,
      'send a join token ("jouleops device token"), or the certificate of this device',
    );
  }
  if (token.kind === 'ServiceAccountToken') {
    const review = await reviewServiceAccountToken(deps.client, token.value, request.name, signal);
    if (review.kind === 'refused')
      throw refuse(
        401,
        'InvalidToken',
        review.message,
        'mount a projected token with audience jouleops on the node that names the device',
      );
    return undefined;
  }
  const check = await checkJoinToken(deps, options.systemNamespace, token.value, signal);
  const next = 'make a new token with "jouleops device token"';
  if (check.kind === 'expired') throw refuse(401, 'ExpiredToken', `the join token expired at ${check.expires}`, next);
  if (check.kind === 'invalid') throw refuse(401, 'InvalidToken', check.message, next);
  return undefined;
}

/** One name, one key: a second board with the same name is refused until somebody resets the device. */
async function bindName(
  deps: JoinDeps,
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
    : await unlessExists(deps.client.create(edgeDevices, fresh, { signal, fieldManager: fieldManagers.controller }));
  if (created) return created;
  const device = await deps.client.get(edgeDevices, key, { signal }).catch((error: unknown) => {
    if (renewal && isNotFound(error)) throw noLongerBound(request.name);
    throw error;
  });
  const bound = device.metadata.annotations?.[annotations.keyFingerprint];
  // A certificate outlives the removal of its device: only the key that the name is bound to renews.
  if (renewal && bound !== renewal.keyFingerprint) throw noLongerBound(request.name);
  if (bound === fingerprint) return device;
  // A rotation may bring a new key; so may the first join of a device that somebody created by hand or reset.
  if (bound !== undefined && !renewal)
    throw refuse(
      409,
      'NameTaken',
      `another board joined as ${request.name}`,
      `give this board another name, or run "jouleops device reset ${request.name}" when it replaces the other`,
    );
  return await deps.client.patch(
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
async function ensureLease(client: Client, device: Stored<EdgeDevice>, signal: AbortSignal): Promise<void> {
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
  // Left by an earlier device of this name: it would be collected along with that one.
  const body = { metadata: { resourceVersion: found.metadata.resourceVersion, ownerReferences: [owner] } };
  await client.patch(leases, key, { kind: 'merge', body }, { signal });
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

function refuse(status: number, reason: JoinError['reason'], error: string, next: string): JoinRefused {
  return new JoinRefused(status, { error, reason, next });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
