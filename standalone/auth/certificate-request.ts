// What may be asked, and who decides: the rules of certificates.k8s.io/v1.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { KindSubresource } from '../registry/served-kind.ts';
import { isObject, type JsonObject, type JsonValue, objectOf } from '../schema/json.ts';
import type { Cause } from '../schema/structural-schema.ts';
import { text } from '../storage/stored-object.ts';

/** Who asks is what the server saw, never what the request says. */
export function stampRequester(request: JsonObject, requester: { name: string; groups: readonly string[] }): JsonObject {
  return { ...request, spec: { ...objectOf(request['spec']), username: requester.name, groups: [...requester.groups] } };
}

export function newRequestCauses(request: JsonObject): Cause[] {
  const spec = objectOf(request['spec']);
  const causes: Cause[] = [];
  const problem = requestProblem(spec['request']);
  if (problem !== undefined)
    causes.push({ reason: 'FieldValueInvalid', field: 'spec.request', message: `Invalid value: ${problem}` });
  if (!Array.isArray(spec['usages']) || spec['usages'].length === 0) {
    causes.push({ reason: 'FieldValueRequired', field: 'spec.usages', message: 'Required value' });
  }
  if (!/^[^/]+\/[^/]+$/.test(text(spec, 'signerName'))) {
    const message = `Invalid value: "${text(spec, 'signerName')}": must be a domain and a path such as example.com/signer-name`;
    causes.push({ reason: 'FieldValueInvalid', field: 'spec.signerName', message });
  }
  return causes;
}

function requestProblem(request: JsonValue | undefined): string | undefined {
  const pem = typeof request === 'string' ? Buffer.from(request, 'base64').toString() : '';
  if (!pem.includes('-----BEGIN CERTIFICATE REQUEST-----')) return 'PEM block type must be CERTIFICATE REQUEST';
  try {
    new x509.Pkcs10CertificateRequest(pem);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'not a certificate request';
  }
}

const decided = ['Approved', 'Denied', 'Failed'];

/** What was asked never changes. Conditions are written through /approval and /status, the certificate through /status alone. */
export function isolateRequest(next: JsonObject, live: JsonObject, door: KindSubresource | undefined, now: string): JsonObject {
  const before = objectOf(live['status']);
  const spec = { spec: live['spec'] ?? {} };
  if (door === undefined) return { ...next, ...spec, status: before };
  const status = objectOf(next['status']);
  const written = door === 'approval' ? { ...before, conditions: status['conditions'] ?? null } : status;
  const conditions = conditionsOf(written).map((condition) => {
    return isObject(condition) ? { lastUpdateTime: now, lastTransitionTime: now, ...condition } : condition;
  });
  const { conditions: _, ...rest } = written;
  return { ...next, ...spec, status: { ...rest, ...(conditions.length === 0 ? {} : { conditions }) } };
}

export function changedRequestCauses(next: JsonObject, live: JsonObject, door: KindSubresource | undefined): Cause[] {
  const conditions = conditionsOf(objectOf(next['status'])).filter(isObject);
  const before = typesOf(live);
  const after = typesOf(next);
  const at = (reason: Cause['reason'], message: string, field = 'status.conditions'): Cause => ({ reason, field, message });
  const removed = decided.filter((type) => before.has(type) && !after.has(type));
  const added = ['Approved', 'Denied'].filter((type) => door === 'status' && after.has(type) && !before.has(type));
  const unclear = conditions.flatMap((condition, index) => {
    if (!decided.includes(text(condition, 'type')) || condition['status'] === 'True') return [];
    const message = `Unsupported value: "${text(condition, 'status')}": supported values: "True"`;
    return [at('FieldValueNotSupported', message, `status.conditions[${index}].status`)];
  });
  const both = after.has('Approved') && after.has('Denied');
  return [
    ...unclear,
    ...(both
      ? [at('FieldValueInvalid', 'Invalid value: "Approved": Approved and Denied conditions are mutually exclusive')]
      : []),
    ...removed.map((type) => at('FieldValueForbidden', `Forbidden: updates may not remove a condition of type "${type}"`)),
    ...added.map((type) => at('FieldValueForbidden', `Forbidden: updates may not add a condition of type "${type}"`)),
  ];
}

function typesOf(request: JsonObject): Set<string> {
  return new Set(
    conditionsOf(objectOf(request['status']))
      .filter(isObject)
      .map((condition) => text(condition, 'type')),
  );
}

export function conditionsOf(status: JsonObject): JsonValue[] {
  return Array.isArray(status['conditions']) ? status['conditions'] : [];
}
