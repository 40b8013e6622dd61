// Leases, ControllerRevisions and CertificateSigningRequests: what controllers of any kind share.
import { newRequestCauses } from '../../auth/certificate-request.ts';
import { equalJson, type JsonObject } from '../../schema/json.ts';
import type { KindDefinition } from '../../schema/kind.ts';
import type { Cause, StructuralSchema } from '../../schema/structural-schema.ts';
import { atomicList, integer, mapList, object, string, time } from './schemas.ts';

const plain = {
  version: 'v1',
  categories: [],
  shortNames: [],
  statusSubresource: false,
  generation: false,
  selectableFields: [],
} as const;

const age = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' } as const;

export const leases: KindDefinition = {
  ...plain,
  group: 'coordination.k8s.io',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  printerColumns: [{ name: 'Holder', type: 'string', jsonPath: '.spec.holderIdentity' }, age],
  schema: {
    ...object({
      spec: object({
        holderIdentity: string,
        leaseDurationSeconds: { type: 'integer', minimum: 1 },
        acquireTime: time,
        renewTime: time,
        leaseTransitions: { type: 'integer', minimum: 0 },
        strategy: string,
        preferredHolder: string,
      }),
    }),
    description: 'Lease says who holds a role, or that a device is alive, and when that was last renewed.',
  },
};

export const leaseTimes = [
  ['spec', 'acquireTime'],
  ['spec', 'renewTime'],
] as const;

const anything: StructuralSchema = {
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
  'x-kubernetes-map-type': 'atomic',
};

export const controllerRevisions: KindDefinition = {
  ...plain,
  group: 'apps',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  printerColumns: [
    { name: 'Controller', type: 'string', jsonPath: '.metadata.ownerReferences[0].name' },
    { name: 'Revision', type: 'integer', jsonPath: '.revision' },
    age,
  ],
  schema: {
    ...object({ data: anything, revision: integer }, ['data']),
    description: 'ControllerRevision is an immutable snapshot of what a controller rolled out.',
  },
  validate: (next, old) => unchanged(next, old, 'data'),
};

export const certificateSigningRequests: KindDefinition = {
  ...plain,
  group: 'certificates.k8s.io',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  shortNames: ['csr'],
  namespaced: false,
  statusSubresource: true,
  selectableFields: ['.spec.signerName'],
  printerColumns: [
    age,
    { name: 'SignerName', type: 'string', jsonPath: '.spec.signerName' },
    { name: 'Requestor', type: 'string', jsonPath: '.spec.username' },
    { name: 'Condition', type: 'string', jsonPath: '.status.conditions[*].type' },
  ],
  schema: {
    ...object(
      {
        spec: object({
          request: { type: 'string', format: 'byte' },
          signerName: { type: 'string', maxLength: 571 },
          expirationSeconds: { type: 'integer', minimum: 600 },
          usages: atomicList(string),
          username: string,
          uid: string,
          groups: atomicList(string),
          extra: { type: 'object', additionalProperties: atomicList(string) },
        }),
        status: object({
          certificate: { type: 'string', format: 'byte' },
          conditions: mapList(
            object(
              { type: string, status: string, reason: string, message: string, lastUpdateTime: time, lastTransitionTime: time },
              ['type', 'status'],
            ),
            ['type'],
          ),
        }),
      },
      ['spec'],
    ),
    description: 'CertificateSigningRequest asks a signer for a certificate, once somebody has approved it.',
  },
  validate: (next, old) => (old === undefined ? newRequestCauses(next) : []),
};

function unchanged(next: JsonObject, old: JsonObject | undefined, field: string): Cause[] {
  if (old === undefined || equalJson(next[field], old[field])) return [];
  return [{ reason: 'FieldValueInvalid', field, message: 'Invalid value: field is immutable' }];
}
