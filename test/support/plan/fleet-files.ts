// Files of a fleet for plans: devices, and deployments of models of our store.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Answer, jouleops } from '../cli.ts';

export const modelStore = fileURLToPath(new URL('../../../model_store/', import.meta.url));
const nasCell = 'sha256:fe887dc1ca324e2b1c5887d56f7c3a17757902dfd8de51a7079581bc11a4bb4a';

const api = 'apiVersion: jouleops.dev/v1alpha1';

export const namespaceFile = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: factory }\n';

export function deviceYaml(name: string, className: string, spec = ''): string {
  return `${api}\nkind: EdgeDevice\nmetadata: { name: ${name}, labels: { site: hall-1 } }\nspec: { deviceClassName: ${className}${spec} }\n`;
}

export function nasCellYaml(name: string, digest = nasCell): string {
  return `${api}
kind: ModelVersion
metadata: { name: ${name}, namespace: factory }
spec:
  family: nas-cell
  version: 1.0.0
  variants:
    - { name: fp32, digest: '${digest}', size: 1534056, sources: [{ uri: 'store://nas-cell/1/model.onnx' }] }
`;
}

export interface DeploymentFile {
  modelVersion?: string;
  budget?: string;
  boundary?: string;
  requestRate?: string;
  placement?: string;
  annotations?: string;
}

export function deploymentYaml(name: string, file: DeploymentFile = {}): string {
  const { modelVersion = 'nas-cell-1', budget = '12mJ', boundary = 'CoreRail', requestRate = '5/s' } = file;
  return `${api}
kind: ModelDeployment
metadata: { name: ${name}, namespace: factory${file.annotations === undefined ? '' : `, annotations: { ${file.annotations} }`} }
spec:
  modelVersionName: ${modelVersion}
  budget: { energyPerInference: ${budget}, boundary: ${boundary} }
  load: { requestRate: ${requestRate} }
  placement: { ${file.placement ?? 'replicas: 1'} }
  runtime: { threads: 1 }
`;
}

export async function writeFiles(directory: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const at = path.join(directory, name);
    await mkdir(path.dirname(at), { recursive: true });
    await writeFile(at, text);
  }
}

/** `jouleops plan`, in a process of its own. */
export function runPlan(
  args: readonly string[],
  options: { cacheDirectory: string; cwd?: string; limitSeconds?: number; nodeOptions?: readonly string[] },
): Promise<Answer> {
  const { cacheDirectory, ...process } = options;
  return jouleops(['plan', '--model-store', modelStore, '--cache-dir', cacheDirectory, ...args], process);
}
