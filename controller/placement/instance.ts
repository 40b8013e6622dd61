// The ModelInstance that stands for one deployment on one device. Pure.
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import { labels } from '../../crds/names.ts';
import { modelDeployments } from '../../crds/resources.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { controllerReference } from '../../kube/meta/owner-reference.ts';
import { contentHash } from '../content-hash.ts';

/** Readable, and unambiguous by its hash: "a-b" on "c" is not "a" on "b-c". */
export function instanceName(deploymentName: string, deviceName: string): string {
  const readable = `${deploymentName.replaceAll('.', '-').slice(0, 180)}-${deviceName}`;
  return `${readable}-${contentHash([deploymentName, deviceName], 5)}`;
}

/** Without slots: what it runs is the deployment reconciler's to say. */
export function newInstance(deployment: Stored<ModelDeployment>, deviceName: string): ModelInstance {
  const { name, namespace, uid } = deployment.metadata;
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelInstance',
    metadata: {
      name: instanceName(name, deviceName),
      ...(namespace === undefined ? {} : { namespace }),
      labels: { [labels.deployment]: name.slice(0, 63).replace(/[^A-Za-z0-9]+$/, ''), [labels.device]: deviceName },
      ownerReferences: [controllerReference(deployment, modelDeployments)],
    },
    spec: { deviceName, deploymentName: name, deploymentUid: uid },
  };
}
