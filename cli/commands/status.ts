import { deploymentConditions } from '../../crds/conditions.ts';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import { edgeDevices, modelDeployments, modelInstances } from '../../crds/resources.ts';
import { listAll } from '../../kube/cache/list-pager.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { describeDeployment } from '../output/deployment.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';
import { formatTable } from '../output/table.ts';

export async function status(flags: { kubeconfig?: string; output: string }, signal: AbortSignal): Promise<void> {
  const format = parseOutputFormat(flags.output);
  const { client } = await connect(flags.kubeconfig);
  try {
    const [deployments, instances, devices] = await Promise.all([
      listAll(client, modelDeployments, { signal }),
      listAll(client, modelInstances, { signal }),
      listAll(client, edgeDevices, { signal }),
    ]);
    const rows = deployments.items.map((deployment) => summarize(deployment, instances.items));
    if (format === 'json') printJson({ deployments: rows, devices: devices.items.map(summarizeDevice) });
    else process.stdout.write(`${formatDevices(devices.items)}\n\n${formatDeployments(rows)}\n`);
    if (rows.some((row) => row.standing !== 'ready')) process.exitCode = exitCodes.negative;
  } finally {
    await client.close();
  }
}

function summarize(deployment: ModelDeployment, instances: readonly ModelInstance[]) {
  const own = instances.filter((one) => one.spec.deploymentUid === deployment.metadata.uid);
  const conditions = deployment.status?.conditions ?? [];
  return {
    ...describeDeployment(deployment, own),
    model: deployment.spec.modelVersionName,
    energy: deployment.status?.energy ?? null,
    devices: own.map((one) => one.spec.deviceName).sort(),
    conditions: Object.fromEntries(
      deploymentConditions.flatMap((type) => {
        const condition = conditions.find((one) => one.type === type);
        return condition ? [[type, { status: condition.status, reason: condition.reason, message: condition.message }]] : [];
      }),
    ),
  };
}

function summarizeDevice(device: EdgeDevice) {
  const ready = device.status?.conditions?.find((condition) => condition.type === 'Ready');
  return {
    name: device.metadata.name,
    class: device.status?.deviceClassName ?? null,
    simulated: device.status?.simulated ?? false,
    ready: ready?.status ?? 'Unknown',
    powerSources: (device.status?.powerSources ?? []).map((source) => `${source.kind} (${source.boundary})`),
    url: device.status?.addresses?.find((address) => address.type === 'OpenInference')?.url ?? null,
  };
}

function formatDevices(devices: readonly EdgeDevice[]): string {
  return formatTable(
    [
      { title: 'DEVICE', value: (row) => row.name },
      { title: 'CLASS', value: (row) => row.class ?? '-' },
      { title: 'READY', value: (row) => row.ready },
      { title: 'POWER SOURCES', value: (row) => row.powerSources.join(', ') || 'none' },
      { title: 'URL', value: (row) => row.url ?? '-' },
    ],
    devices.map(summarizeDevice),
  );
}

function formatDeployments(rows: readonly ReturnType<typeof summarize>[]): string {
  return formatTable(
    [
      { title: 'DEPLOYMENT', value: (row) => row.name },
      { title: 'MODEL', value: (row) => row.model },
      { title: 'PREDICTED', value: (row) => row.energy?.predicted ?? '-', align: 'right' },
      { title: 'MEASURED', value: (row) => row.energy?.measured ?? '-', align: 'right' },
      { title: 'BUDGET', value: (row) => row.energy?.budget ?? '-', align: 'right' },
      { title: 'VERDICT', value: (row) => row.energy?.verdict ?? '-' },
      { title: 'STANDING', value: (row) => row.standing },
      { title: 'WHY', value: (row) => row.text },
    ],
    rows,
  );
}
