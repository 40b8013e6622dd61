import { defineResource } from '../kube/api/resource.ts';
import type { DeviceClass } from './device-class.ts';
import type { EdgeDevice } from './edge-device.ts';
import type { FleetRepository } from './fleet-repository.ts';
import type { ModelDeployment } from './model-deployment.ts';
import type { ModelInstance } from './model-instance.ts';
import type { ModelVersion } from './model-version.ts';
import type { TrainingRun } from './training-run.ts';

export const group = 'jouleops.dev';
export const version = 'v1alpha1';

const ours = { group, version } as const;

export const modelDeployments = defineResource<ModelDeployment>({
  ...ours,
  kind: 'ModelDeployment',
  plural: 'modeldeployments',
  namespaced: true,
});
export const modelInstances = defineResource<ModelInstance>({
  ...ours,
  kind: 'ModelInstance',
  plural: 'modelinstances',
  namespaced: true,
});
export const modelVersions = defineResource<ModelVersion>({
  ...ours,
  kind: 'ModelVersion',
  plural: 'modelversions',
  namespaced: true,
});
export const edgeDevices = defineResource<EdgeDevice>({ ...ours, kind: 'EdgeDevice', plural: 'edgedevices', namespaced: false });
export const deviceClasses = defineResource<DeviceClass>({
  ...ours,
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  namespaced: false,
});
export const fleetRepositories = defineResource<FleetRepository>({
  ...ours,
  kind: 'FleetRepository',
  plural: 'fleetrepositories',
  namespaced: true,
});
export const trainingRuns = defineResource<TrainingRun>({
  ...ours,
  kind: 'TrainingRun',
  plural: 'trainingruns',
  namespaced: true,
});
