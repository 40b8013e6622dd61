// What cannot be told to send JSON: `kubectl create namespace|configmap|secret`, `kubectl certificate approve`, and the Leases of
// client-go's leader election.
// Field numbers: k8s.io/api and k8s.io/apimachinery, generated.proto.
import protobuf from 'protobufjs';
import { toError } from '../../kube/api/api-error.ts';
import { isObject, type JsonObject, type JsonValue } from '../schema/json.ts';
import { badRequest } from './status-error.ts';

const messages = protobuf.parse(
  `syntax = "proto3";
  message Unknown { TypeMeta typeMeta = 1; bytes raw = 2; }
  message TypeMeta { string apiVersion = 1; string kind = 2; }
  message Time { int64 seconds = 1; int32 nanos = 2; }
  message FieldsV1 { bytes Raw = 1; }
  message ManagedFieldsEntry { string manager = 1; string operation = 2; string apiVersion = 3; Time time = 4; string fieldsType = 6; FieldsV1 fieldsV1 = 7; string subresource = 8; }
  message OwnerReference { string kind = 1; string name = 3; string uid = 4; string apiVersion = 5; bool controller = 6; bool blockOwnerDeletion = 7; }
  message ObjectMeta { string name = 1; string generateName = 2; string namespace = 3; string uid = 5; string resourceVersion = 6; int64 generation = 7; Time creationTimestamp = 8; Time deletionTimestamp = 9; int64 deletionGracePeriodSeconds = 10; map<string, string> labels = 11; map<string, string> annotations = 12; repeated OwnerReference ownerReferences = 13; repeated string finalizers = 14; repeated ManagedFieldsEntry managedFields = 17; }
  message NamespaceSpec { repeated string finalizers = 1; }
  message NamespaceStatus { string phase = 1; }
  message Namespace { ObjectMeta metadata = 1; NamespaceSpec spec = 2; NamespaceStatus status = 3; }
  message ConfigMap { ObjectMeta metadata = 1; map<string, string> data = 2; map<string, bytes> binaryData = 3; bool immutable = 4; }
  message Secret { ObjectMeta metadata = 1; map<string, bytes> data = 2; string type = 3; map<string, string> stringData = 4; bool immutable = 5; }
  message RequestSpec { bytes request = 1; string username = 2; string uid = 3; repeated string groups = 4; repeated string usages = 5; string signerName = 7; int32 expirationSeconds = 8; }
  message RequestCondition { string type = 1; string reason = 2; string message = 3; Time lastUpdateTime = 4; Time lastTransitionTime = 5; string status = 6; }
  message RequestStatus { repeated RequestCondition conditions = 1; bytes certificate = 2; }
  message LeaseSpec { string holderIdentity = 1; int32 leaseDurationSeconds = 2; Time acquireTime = 3; Time renewTime = 4; int32 leaseTransitions = 5; string strategy = 6; string preferredHolder = 7; }
  message Lease { ObjectMeta metadata = 1; LeaseSpec spec = 2; }
  message CertificateSigningRequest { ObjectMeta metadata = 1; RequestSpec spec = 2; RequestStatus status = 3; }`,
  { keepCase: true },
).root;

const magic = Buffer.from('k8s\0');
const kinds = ['Namespace', 'ConfigMap', 'Secret', 'CertificateSigningRequest', 'Lease'];

/** The JSON form of an object in Kubernetes' protobuf envelope. */
export function parseProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, magic.length).equals(magic))
    throw badRequest('the body of the request is not a Kubernetes protobuf message');
  const envelope = decode('Unknown', body.subarray(magic.length));
  const type = isObject(envelope['typeMeta']) ? envelope['typeMeta'] : {};
  const { raw, kind = '', apiVersion = '' } = { ...type, ...envelope };
  if (typeof kind !== 'string' || !kinds.includes(kind))
    throw badRequest(`the kind ${JSON.stringify(kind)} cannot be read as protobuf: send JSON`);
  const object = decode(kind, Buffer.from(typeof raw === 'string' ? raw : '', 'base64'));
  return { ...object, apiVersion, kind };
}

function decode(type: string, bytes: Uint8Array): JsonObject {
  const message = messages.lookupType(type);
  try {
    const value: unknown = message.toObject(message.decode(bytes), { longs: Number, bytes: String });
    return isObject(value) ? toJson(value) : {};
  } catch (error) {
    throw badRequest(`the body of the request cannot be read as a protobuf ${type}: ${toError(error).message}`);
  }
}

/** Times become text, owned fields their JSON; what Go writes for "not set" goes. */
function toJson(message: JsonObject): JsonObject {
  const entries = Object.entries(message).flatMap(([key, value]): [string, JsonValue][] => {
    if (/Time(stamp)?$|^time$/.test(key)) return timeEntry(key, value);
    if (key === 'fieldsV1') return [[key, ownedFields(value)]];
    if ((value === '' || value === 0 || value === false) && !isPointer(key)) return [];
    if (Array.isArray(value)) return [[key, value.map((item) => (isObject(item) ? toJson(item) : item))]];
    return [[key, isObject(value) && !isTextMap(key) ? toJson(value) : value]];
  });
  return Object.fromEntries(entries);
}

/** In Go these are pointers: on the wire they are what somebody set, zero included. A Lease that was given back has holder ''. */
function isPointer(key: string): boolean {
  return ['holderIdentity', 'leaseDurationSeconds', 'leaseTransitions'].includes(key);
}

/** Maps whose keys and empty values are the user's own. */
function isTextMap(key: string): boolean {
  return ['labels', 'annotations', 'data', 'binaryData', 'stringData'].includes(key);
}

function timeEntry(key: string, value: JsonValue): [string, JsonValue][] {
  const { seconds, nanos = 0 } = isObject(value) ? value : {};
  if (typeof seconds !== 'number' || typeof nanos !== 'number') return [];
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  const isMicroTime = key === 'acquireTime' || key === 'renewTime';
  const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return [[key, isMicroTime ? `${text}.${micros}Z` : `${text}Z`]];
}

function ownedFields(value: JsonValue): JsonValue {
  const raw = isObject(value) && typeof value['Raw'] === 'string' ? value['Raw'] : '';
  const fields: JsonValue = JSON.parse(Buffer.from(raw, 'base64').toString() || '{}');
  return fields;
}
