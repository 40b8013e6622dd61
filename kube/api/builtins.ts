// The built-in kinds in use, each with only the fields in use.
import type { Condition, KubeObject } from './objects.ts';
import { defineResource } from './resource.ts';

export type Namespace = KubeObject & { status?: { phase?: string } };

export interface Secret extends KubeObject {
  type?: string;
  /** base64 */
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  immutable?: boolean;
}

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

export interface ObjectReference {
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
  fieldPath?: string;
}

/** events.k8s.io/v1. Times are MicroTime text, six digits. */
export interface KubeEvent extends KubeObject {
  eventTime: string;
  series?: { count: number; lastObservedTime: string };
  reportingController: string;
  reportingInstance: string;
  action: string;
  reason: string;
  regarding?: ObjectReference;
  related?: ObjectReference;
  note?: string;
  type: 'Normal' | 'Warning';
}

/** coordination.k8s.io/v1. Times are MicroTime text, six digits. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface ControllerRevision extends KubeObject {
  data?: unknown;
  revision: number;
}

export interface CertificateSigningRequest extends KubeObject {
  spec: {
    /** base64 of the PEM request */
    request: string;
    signerName: string;
    usages?: string[];
    expirationSeconds?: number;
    username?: string;
    uid?: string;
    groups?: string[];
    extra?: Record<string, string[]>;
  };
  status?: {
    conditions?: (Omit<Condition, 'lastTransitionTime'> & { lastTransitionTime?: string; lastUpdateTime?: string })[];
    /** base64 of the PEM chain */
    certificate?: string;
  };
}

export interface TokenReview extends KubeObject {
  spec: { token: string; audiences?: string[] };
  status?: {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
    audiences?: string[];
    error?: string;
  };
}

export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean; taints?: { key: string; value?: string; effect: string }[] };
  status?: { conditions?: Condition[]; nodeInfo?: { architecture?: string; kernelVersion?: string; osImage?: string } };
}

const core = { group: '', version: 'v1' } as const;

export const namespaces = defineResource<Namespace>({ ...core, kind: 'Namespace', plural: 'namespaces', namespaced: false });
export const secrets = defineResource<Secret>({ ...core, kind: 'Secret', plural: 'secrets', namespaced: true });
export const configMaps = defineResource<ConfigMap>({ ...core, kind: 'ConfigMap', plural: 'configmaps', namespaced: true });
export const nodes = defineResource<Node>({ ...core, kind: 'Node', plural: 'nodes', namespaced: false });

export const events = defineResource<KubeEvent>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
});
export const leases = defineResource<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
});
export const controllerRevisions = defineResource<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  namespaced: true,
});
export const certificateSigningRequests = defineResource<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  namespaced: false,
});
export const tokenReviews = defineResource<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
});
