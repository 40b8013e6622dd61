// Two roles instead of RBAC: an administrator may do everything, a device what a device needs.

import { deviceNameOf, devicesGroup, devicesNamespace } from '../../crds/names.ts';
import { edgeDevices, group, modelInstances } from '../../crds/resources.ts';
import type { ResourceRequest, Verb } from '../http/request-info.ts';
import { StatusError } from '../http/status-error.ts';
import { isObject, type JsonObject } from '../schema/json.ts';
import { adminGroup, type User } from './user.ts';

type Place = Pick<ResourceRequest, 'group' | 'plural' | 'namespace' | 'name' | 'subresource' | 'verb'>;

/** Throws 403 unless the user may send this request. What depends on the object itself is checked by `authorizeObject`. */
export function authorize(user: User, request: Place): void {
  if (user.groups.includes(adminGroup)) return;
  const device = user.groups.includes(devicesGroup) ? deviceNameOf(user.name) : undefined;
  if (device !== undefined && deviceMay(device, request)) return;
  throw forbidden(user, request);
}

/** A device writes the status of instances that are placed on it, which only the stored object says. */
export function authorizeObject(user: User, request: Place, stored: JsonObject | undefined): void {
  if (user.groups.includes(adminGroup) || request.plural !== modelInstances.plural || request.verb !== 'patch') return;
  const spec = stored?.['spec'];
  const placedOn = isObject(spec) ? spec['deviceName'] : undefined;
  if (stored === undefined || (placedOn !== undefined && placedOn === deviceNameOf(user.name))) return;
  throw forbidden(user, request);
}

const reads: readonly Verb[] = ['get', 'list', 'watch'];

function deviceMay(device: string, request: Place): boolean {
  const { verb, subresource, name, namespace } = request;
  if (request.group === 'coordination.k8s.io' && request.plural === 'leases') {
    return (
      namespace === devicesNamespace && name === device && subresource === undefined && ['get', 'update', 'patch'].includes(verb)
    );
  }
  if (request.group !== group) return false;
  if (subresource === undefined) {
    return (
      (request.plural === edgeDevices.plural && reads.includes(verb)) ||
      (request.plural === modelInstances.plural && verb === 'get')
    );
  }
  if (subresource !== 'status' || verb !== 'patch') return false;
  return request.plural === modelInstances.plural || (request.plural === edgeDevices.plural && name === device);
}

function forbidden(user: User, request: Place): StatusError {
  const resource = request.group === '' ? request.plural : `${request.plural}.${request.group}`;
  const subject = request.name === undefined ? resource : `${resource} "${request.name}"`;
  const path = request.subresource === undefined ? request.plural : `${request.plural}/${request.subresource}`;
  const scope = request.namespace === undefined ? 'at the cluster scope' : `in the namespace "${request.namespace}"`;
  const action = `User "${user.name}" cannot ${request.verb} resource "${path}" in API group "${request.group}" ${scope}`;
  return new StatusError(403, 'Forbidden', `${subject} is forbidden: ${action}`, {
    ...(request.name === undefined ? {} : { name: request.name }),
    ...(request.group === '' ? {} : { group: request.group }),
    kind: request.plural,
  });
}
