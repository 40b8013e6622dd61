// What the fleet benchmarks declare: one small model in two versions, predicted within its budget, so that no test stands before Ready.
import type { EdgeDeviceStatus } from '../../../crds/edge-device.ts';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { ModelVersion } from '../../../crds/model-version.ts';

export const namespace = 'bench';
export const deviceClassName = 'raspberry-pi-5-simulated';
export const versionNames = ['nas-cell-1', 'nas-cell-2'] as const;

/** The artifact that the examples serve. */
const digest = 'sha256:fe887dc1ca324e2b1c5887d56f7c3a17757902dfd8de51a7079581bc11a4bb4a';

export function modelVersion(name: (typeof versionNames)[number]): ModelVersion {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelVersion',
    metadata: { name, namespace },
    spec: {
      family: 'nas-cell',
      version: `${name.slice(-1)}.0.0`,
      variants: [{ name: 'fp32', digest, size: 1534056, sources: [{ uri: 'store://nas-cell/1/model.onnx' }] }],
    },
  };
}

export function modelDeployment(index: number): ModelDeployment {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name: numbered('model', index), namespace },
    spec: {
      modelVersionName: versionNames[0],
      budget: { energyPerInference: '12mJ', boundary: 'CoreRail' },
      placement: { replicas: 1, deviceClassNames: [deviceClassName] },
      runtime: { threads: 1 },
    },
  };
}

/** What the agent of a simulated Raspberry Pi 5 says of itself. */
export const deviceStatus: EdgeDeviceStatus = {
  agentVersion: '0.1.0',
  architecture: 'arm64',
  simulated: true,
  classKey: {
    board: 'raspberry-pi-5',
    governor: 'performance',
    runtime: 'onnxruntime',
    runtimeVersion: '1.30',
    executionProvider: 'cpu',
    threads: 1,
    spinning: false,
  },
  capacity: { memory: '8192Mi', storage: '32768Mi', cpus: 4 },
  allocatable: { memory: '6144Mi', storage: '32768Mi' },
};

export function numbered(prefix: string, index: number): string {
  return `${prefix}-${String(index).padStart(5, '0')}`;
}
