// The short text that `up` ends with: what runs where, what was refused and why, and lines that work when pasted.
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { DeploymentLine } from '../output/deployment.ts';
import type { Convergence } from './convergence.ts';
import type { Endpoints } from './endpoints.ts';

export interface SummaryInput {
  convergence: Convergence;
  endpoints: Endpoints;
  kubeconfigPath: string;
  /** A request that a deployment answers, when there is one: written to a file, so that the curl line stays short. */
  sample?: { url: string; file: string };
}

export function formatSummary({ convergence, endpoints, kubeconfigPath, sample }: SummaryInput): string {
  const { lines, deployments, fleet } = convergence;
  const errors = (fleet?.status?.errors ?? []).map(
    (error) => `  ${error.file}${error.line ? `:${error.line}:${error.column ?? 1}` : ''}  ${error.message}`,
  );
  return [
    ...section(
      'Serving',
      lines
        .filter((line) => line.standing === 'ready')
        .map((line) => `  ${line.name}\n      ${line.text.replaceAll('; ', '\n      ')}`),
    ),
    ...section('Refused', lines.filter((line) => line.standing === 'refused').map(formatLine)),
    ...section('Not applied', errors),
    ...section(
      'Devices',
      endpoints.devices.map(
        (device) => `  ${device.name}  ${device.class}${device.simulated ? '  (its power is simulated)' : ''}  ${device.url}`,
      ),
    ),
    '',
    `Kubernetes API   ${endpoints.apiServer}   (kubeconfig: ${kubeconfigPath})`,
    `Web API          ${endpoints.web}/api`,
    `Metrics          ${endpoints.web}/metrics`,
    '',
    'Try:',
    `  kubectl --kubeconfig ${kubeconfigPath} get mdep -A`,
    ...(sample ? [`  curl -s ${sample.url} -H 'content-type: application/json' -d @${sample.file}`] : []),
    '',
    ...(deployments.length === 0
      ? ['Nothing is declared yet: kubectl apply a ModelVersion and a ModelDeployment, or start with --fleet DIR.', '']
      : []),
  ].join('\n');
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

function formatLine(line: DeploymentLine): string {
  return `  ${line.name}\n      ${line.text.replaceAll('; ', '\n      ')}`;
}

/** The first deployment that serves and whose version has a golden set: real input, not a made-up one. */
export function pickSample(
  convergence: Convergence,
  endpoints: Endpoints,
  hasGoldenSet: (deployment: Stored<ModelDeployment>) => boolean,
): { deployment: Stored<ModelDeployment>; url: string } | undefined {
  for (const deployment of convergence.deployments) {
    const serving = convergence.instances.find((instance) => isServing(instance, deployment));
    const device = endpoints.devices.find((candidate) => candidate.name === serving?.spec.deviceName);
    if (device && hasGoldenSet(deployment))
      return { deployment, url: `${device.url}/v2/models/${deployment.metadata.name}/infer` };
  }
  return undefined;
}

function isServing(instance: ModelInstance, deployment: Stored<ModelDeployment>): boolean {
  return instance.spec.deploymentUid === deployment.metadata.uid && instance.status?.phase === 'Serving';
}
