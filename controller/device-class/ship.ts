// Applies the shipped classes where they are absent, and brings those that nobody has changed up to this version.
import type { DeviceClass, DeviceClassSpec } from '../../crds/device-class.ts';
import { fieldManagers, simulatedSuffix } from '../../crds/names.ts';
import { deviceClasses } from '../../crds/resources.ts';
import { isAlreadyExists, isNotFound } from '../../kube/api/api-error.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { sameContent } from '../content-hash.ts';
import type { ShippedClass } from './shipped.ts';

/** The spec as it was shipped: equal to the object's spec as long as nobody changed it. */
export const shippedAnnotation = 'jouleops.dev/shipped-spec';

export async function shipClasses(client: Client, shipped: readonly ShippedClass[], signal: AbortSignal): Promise<void> {
  const { items } = await client.list(deviceClasses, { signal });
  const present = new Map(items.map((item) => [item.metadata.name, item]));
  for (const { name, spec } of shipped) {
    const current = present.get(name);
    if (!needsShipping(current, spec)) continue;
    const metadata = { name, annotations: { [shippedAnnotation]: JSON.stringify(spec) } };
    await client.apply(deviceClasses, { metadata, spec }, { signal, fieldManager: fieldManagers.controller });
  }
}

/** Pure. */
export function needsShipping(current: Stored<DeviceClass> | undefined, spec: DeviceClassSpec): boolean {
  if (!current) return true;
  const shipped = current.metadata.annotations?.[shippedAnnotation];
  if (shipped === undefined || sameContent(current.spec, spec)) return false;
  try {
    return sameContent(JSON.parse(shipped), current.spec);
  } catch {
    return false; // somebody edited the annotation: the class is theirs
  }
}

/** `<class>-simulated` for an agent that simulates a class. @returns nothing, or which class is missing. */
export async function ensureSimulatedClass(client: Client, className: string, signal: AbortSignal): Promise<string | undefined> {
  const simulatedFrom = className.slice(0, -simulatedSuffix.length);
  try {
    await client.get(deviceClasses, { name: simulatedFrom }, { signal });
  } catch (error) {
    if (isNotFound(error)) return `there is no DeviceClass ${simulatedFrom} to simulate`;
    throw error;
  }
  const object: DeviceClass = {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'DeviceClass',
    metadata: { name: className },
    spec: { simulatedFrom },
  };
  try {
    await client.create(deviceClasses, object, { signal, fieldManager: fieldManagers.controller });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  return undefined;
}
