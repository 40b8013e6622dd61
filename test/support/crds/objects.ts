// Objects of our kinds that the definitions accept, to change one thing about.
import type { KubeObject } from '../../../kube/api/objects.ts';

/** Any spec and status: tables of bad objects must be able to say what types would not. */
export type AnyObject = KubeObject & { spec?: unknown; status?: unknown };

type Fields = Record<string, unknown>;

export const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;

function object(kind: string, name: string, spec: Fields, namespace?: string): AnyObject {
  return { apiVersion: 'jouleops.dev/v1alpha1', kind, metadata: { name, ...(namespace ? { namespace } : {}) }, spec };
}

export function modelDeployment(changes: Fields = {}, name = 'a'): AnyObject {
  const spec = { modelVersionName: 'machine-state-2', budget: { energyPerInference: '80mJ' }, placement: {}, ...changes };
  return object('ModelDeployment', name, spec, 'default');
}

export const slot = (changes: Fields = {}): Fields => ({
  revision: 'machine-state-7c9f',
  modelVersionName: 'machine-state-2',
  modelVersion: '2.0.0',
  variant: 'int8',
  digest: digestOf('a'),
  size: '1Mi',
  ...changes,
});

export function modelInstance(changes: Fields = {}): AnyObject {
  const spec = { deviceName: 'pi5-a', deploymentName: 'machine-state', deploymentUid: 'a-uid', active: slot(), ...changes };
  return object('ModelInstance', 'machine-state-pi5-a', spec, 'default');
}

export const variant = (changes: Fields = {}): Fields => ({
  name: 'fp32',
  digest: digestOf('a'),
  sources: [{ uri: 'store://machine-state/2/model.onnx' }],
  ...changes,
});

export function modelVersion(changes: Fields = {}): AnyObject {
  const spec = { family: 'machine-state', version: '2.0.0', variants: [variant()], ...changes };
  return object('ModelVersion', 'machine-state-2', spec, 'default');
}

export function edgeDevice(spec: Fields = {}, name = 'pi5-a'): AnyObject {
  return object('EdgeDevice', name, spec);
}

export function deviceClass(spec: Fields = {}): AnyObject {
  return object('DeviceClass', 'raspberry-pi-5', spec);
}

export function fleetRepository(spec: Fields = { url: 'https://git.example.org/fleet.git' }): AnyObject {
  return object('FleetRepository', 'fleet', spec, 'default');
}

export function trainingRun(changes: Fields = {}): AnyObject {
  return object('TrainingRun', 'fine-tune', { mode: 'Train', command: ['python', 'train.py'], ...changes }, 'default');
}
