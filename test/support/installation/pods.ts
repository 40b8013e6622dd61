// The pods that kube-controller-manager makes of our Deployment and DaemonSet. No kubelet runs them; that they are there means
// that admission, Pod Security among it, let them in.
import type { KubeObject, Stored } from '../../../kube/api/objects.ts';
import { defineResource } from '../../../kube/api/resource.ts';

export interface Pod extends KubeObject {
  spec: {
    nodeName?: string;
    serviceAccountName?: string;
    /** The old name of the same, which the server fills in. */
    serviceAccount?: string;
    containers: { name: string; image: string; securityContext?: Record<string, unknown> }[];
  };
}

export const pods = defineResource<Pod>({ group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true });

/** As the scheduler would: a pod runs on a node from now on. */
export function bindingOf(pod: Stored<Pod>, nodeName: string) {
  const { name, namespace } = pod.metadata;
  return {
    path: `/api/v1/namespaces/${namespace}/pods/${name}/binding`,
    body: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    },
  };
}
