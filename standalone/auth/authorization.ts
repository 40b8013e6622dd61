// Two roles instead of RBAC: an administrator may do everything, a device what manifests/rbac and manifests/admission let it do.
import type { IncomingHttpHeaders } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { deviceNameOf, devicesGroup, devicesNamespace } from '../../crds/names.ts';
import { edgeDevices, group, modelInstances } from '../../crds/resources.ts';
import type { RequestInfo, ResourceRequest, Verb } from '../http/request-info.ts';
import { StatusError } from '../http/status-error.ts';
import { isObject, type JsonObject } from '../schema/json.ts';
import { metadataOf } from '../storage/stored-object.ts';
import { adminGroup, type User } from './user.ts';

type Place = Pick<ResourceRequest, 'group' | 'plural' | 'namespace' | 'name' | 'subresource' | 'verb'>;

/** Throws 403 unless the user may send this request. What depends on the object itself is checked by `authorizeObject`. */
export function authorize(user: User, request: Place): void {
  if (user.groups.includes(adminGroup)) return;
  const device = user.groups.includes(devicesGroup) ? deviceNameOf(user.name) : undefined;
  if (device !== undefined && deviceMay(device, request)) return;
  throw forbidden(user, request);
}

/**
 * A device writes the status of instances that are placed on it, which only the stored object says; and of its Lease no metadata.
 * @param next what the write would store; absent before that is known
 */
export function authorizeObject(user: User, request: Place, stored: JsonObject | undefined, next?: JsonObject): void {
  if (user.groups.includes(adminGroup) || request.verb !== 'patch') return;
  if (request.plural === modelInstances.plural && stored !== undefined) {
    const spec = stored['spec'];
    const placedOn = isObject(spec) ? spec['deviceName'] : undefined;
    if (placedOn === undefined || placedOn !== deviceNameOf(user.name)) throw forbidden(user, request);
  }
  if (request.plural === 'leases' && next !== undefined) {
    if (stored === undefined) throw forbidden(user, { ...request, verb: 'create' });
    if (!pinnedMetadata.every((field) => isDeepStrictEqual(metadataOf(next)[field], metadataOf(stored)[field])))
      throw forbidden(user, request);
  }
}

/** Nobody acts as somebody else here. Done as its caller, such a call would do what it was meant to be kept from. */
export function refuseImpersonation(info: RequestInfo, headers: IncomingHttpHeaders): void {
  const asked = Object.keys(headers).find((name) => name.startsWith('impersonate-'));
  if (asked === undefined) return;
  const why = `this server lets nobody act as somebody else: call without ${asked} (kubectl --as)`;
  if (info.kind === 'resource') throw refusal(info, why);
  throw new StatusError(403, 'Forbidden', `${info.path} is forbidden: ${why}`, {});
}

const pinnedMetadata = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;
const selfReads: readonly Verb[] = ['list', 'watch'];

function deviceMay(device: string, request: Place): boolean {
  const { verb, subresource, name, namespace } = request;
  if (request.group === 'coordination.k8s.io' && request.plural === 'leases') {
    return namespace === devicesNamespace && name === device && subresource === undefined && verb === 'patch';
  }
  if (request.group !== group) return false;
  if (subresource === undefined) {
    return (
      (request.plural === edgeDevices.plural && selfReads.includes(verb)) ||
      (request.plural === modelInstances.plural && verb === 'get')
    );
  }
  if (subresource !== 'status' || verb !== 'patch') return false;
  return request.plural === modelInstances.plural || (request.plural === edgeDevices.plural && name === device);
}

function forbidden(user: User, request: Place): StatusError {
  const path = request.subresource === undefined ? request.plural : `${request.plural}/${request.subresource}`;
  const scope = request.namespace === undefined ? 'at the cluster scope' : `in the namespace "${request.namespace}"`;
  return refusal(
    request,
    `User "${user.name}" cannot ${request.verb} resource "${path}" in API group "${request.group}" ${scope}`,
  );
}

function refusal(request: Omit<Place, 'verb'>, why: string): StatusError {
  const resource = request.group === '' ? request.plural : `${request.plural}.${request.group}`;
  const subject = request.name === undefined ? resource : `${resource} "${request.name}"`;
  return new StatusError(403, 'Forbidden', `${subject} is forbidden: ${why}`, {
    ...(request.name === undefined ? {} : { name: request.name }),
    ...(request.group === '' ? {} : { group: request.group }),
    kind: request.plural,
  });
}
