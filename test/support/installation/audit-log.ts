// Which calls the API server saw, and from whom: its own audit log.
import { readFile } from 'node:fs/promises';
import type { Permission } from './rules.ts';

export interface AuditEvent {
  user: { username: string; groups?: string[] };
  /** Whom the caller acted as. */
  impersonatedUser?: { username: string };
  verb: string;
  objectRef?: { apiGroup?: string; resource: string; subresource?: string; namespace?: string; name?: string };
  responseStatus?: { code?: number };
}

/** For kube-apiserver: who called what, no bodies. */
export const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: ['system:serviceaccount:jouleops-system:jouleops-controller']
  - level: Metadata
    userGroups: ['jouleops:devices']
  - level: None
`;

export async function readAuditLog(file: string): Promise<AuditEvent[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as AuditEvent);
}

/** What the API server asked RBAC for. An apply that creates is a patch and a create. */
export function permissionsNeededBy({ objectRef, verb, responseStatus }: AuditEvent): Permission[] {
  if (!objectRef) return [];
  const { apiGroup = '', resource, subresource, namespace, name } = objectRef;
  const needed = {
    group: apiGroup,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    verb,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
  const creates = verb === 'patch' && responseStatus?.code === 201;
  return creates ? [needed, { ...needed, verb: 'create' }] : [needed];
}
