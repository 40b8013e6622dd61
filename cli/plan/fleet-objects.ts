// Objects by id as the controller's kinds, with the device classes that a controller would have shipped.
import { readShippedClasses } from '../../controller/device-class/shipped.ts';
import type { FleetObjects } from '../../controller/plan/planned-world.ts';
import type { DeviceClass, DeviceClassSpec } from '../../crds/device-class.ts';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelVersion } from '../../crds/model-version.ts';
import { simulatedSuffix } from '../../crds/names.ts';
import type { KubeObject, Stored } from '../../kube/api/objects.ts';
import type { ObjectsById } from './plan-kinds.ts';

export type DeclaredObjects = Omit<FleetObjects, 'instances' | 'revisions'>;

export async function fleetObjects(objects: ObjectsById, predictorDirectory: string): Promise<DeclaredObjects> {
  const devices = ofKind<EdgeDevice>(objects, 'EdgeDevice');
  return {
    deployments: ofKind<ModelDeployment>(objects, 'ModelDeployment'),
    versions: ofKind<ModelVersion>(objects, 'ModelVersion'),
    devices,
    classes: await withShipped(ofKind<DeviceClass>(objects, 'DeviceClass'), devices, predictorDirectory),
  };
}

function ofKind<T extends KubeObject>(objects: ObjectsById, kind: string): Stored<T>[] {
  const found: Stored<T>[] = [];
  for (const object of objects.values()) if (object['kind'] === kind) found.push(JSON.parse(JSON.stringify(object)) as Stored<T>);
  return found;
}

/** What is there wins; a simulated device brings the class that it simulates, as it does when it joins. */
async function withShipped(
  present: readonly Stored<DeviceClass>[],
  devices: readonly EdgeDevice[],
  predictorDirectory: string,
): Promise<Stored<DeviceClass>[]> {
  const classes = new Map(present.map((deviceClass) => [deviceClass.metadata.name, deviceClass]));
  for (const { name, spec } of await readShippedClasses(predictorDirectory))
    if (!classes.has(name)) classes.set(name, newClass(name, spec));
  for (const { spec } of devices) {
    const name = spec.deviceClassName;
    if (name === undefined || !name.endsWith(simulatedSuffix) || classes.has(name)) continue;
    const simulatedFrom = name.slice(0, -simulatedSuffix.length);
    if (classes.has(simulatedFrom)) classes.set(name, newClass(name, { simulatedFrom }));
  }
  return [...classes.values()];
}

function newClass(name: string, spec: DeviceClassSpec): Stored<DeviceClass> {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'DeviceClass',
    metadata: { name, uid: `planned-DeviceClass--${name}`, resourceVersion: '0', creationTimestamp: new Date(0).toISOString() },
    spec,
  };
}
