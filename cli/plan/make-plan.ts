// Makes the plan that the command line asks for. Apart from the command, so that what is compiled of it is kept.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { ExaminedModels } from '../../controller/plan/examined-models.ts';
import { planFleet } from '../../controller/plan/plan-fleet.ts';
import type { Client } from '../../kube/api/client.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { connect } from '../connect.ts';
import { CommandError } from '../exit-codes.ts';
import { readGivenFile } from '../flags/given-file.ts';
import { readDeviceFiles } from './device-files.ts';
import { fleetObjects } from './fleet-objects.ts';
import { type LiveFleet, readLiveFleet, readRepository } from './live-objects.ts';
import { type FleetOrder, readTwoFleets } from './plan-files.ts';
import { compilePlanKinds } from './plan-kinds.ts';
import { type PlanReport, reportPlan } from './plan-report.ts';

export interface PlanOrder extends FleetOrder {
  devices?: string[];
  live: boolean;
  kubeconfig?: string;
  repository?: string;
  modelStore: string;
  allowHost?: string[];
  allowPrivateSources: boolean;
  sourceCa?: string;
  cacheDirectory: string;
  maximumIncreasePercent?: number;
}

const predictorDirectory = fileURLToPath(new URL('../../data/predictors/', import.meta.url));
const gibibyte = 2 ** 30;

export async function makePlan(order: PlanOrder, signal: AbortSignal): Promise<PlanReport> {
  const cluster = order.live ? await connect(order.kubeconfig) : undefined;
  try {
    return await make(order, cluster?.client, signal);
  } finally {
    await cluster?.client.close();
  }
}

async function make(order: PlanOrder, client: Client | undefined, signal: AbortSignal): Promise<PlanReport> {
  const kinds = await compilePlanKinds();
  const now = systemClock.now();
  const cluster: LiveFleet | undefined = client && (await readLiveFleet(client, signal));
  const repository =
    client && order.repository !== undefined ? await readRepository(client, order.repository, signal) : undefined;
  const base = cluster?.objects ?? (await readDeviceFiles(order.devices ?? [], kinds));
  const fleets = await readTwoFleets(
    order,
    {
      kinds,
      base,
      live: cluster !== undefined,
      now: new Date(now).toISOString(),
      ...(repository === undefined ? {} : { repository }),
    },
    signal,
  );
  const [before, after] = await Promise.all([
    fleetObjects(fleets.before, predictorDirectory),
    fleetObjects(fleets.after, predictorDirectory),
  ]);
  if (after.devices.length === 0)
    throw new CommandError(
      'there is no device to plan for',
      'name a file of EdgeDevices with --devices ("kubectl get edgedevices,deviceclasses -o yaml > devices.yaml" writes one), or a cluster with --kubeconfig',
    );
  const models = await ExaminedModels.open(
    { client: client ?? noCluster, clock: systemClock, logger: pino({ level: 'silent' }) },
    {
      cacheDirectory: order.cacheDirectory,
      modelStoreDirectory: resolve(order.modelStore),
      predictorDirectory,
      artifacts: {
        quotaBytes: 4 * gibibyte,
        maximumBytes: 4 * gibibyte,
        allowedHosts: order.allowHost ?? [],
        allowPrivateAddresses: order.allowPrivateSources,
        ...(order.sourceCa === undefined ? {} : { certificateAuthority: await readGivenFile('--source-ca', order.sourceCa) }),
      },
    },
  );
  try {
    const { instances = [], revisions = [] } = cluster ?? {};
    const sides = { before: { ...before, instances, revisions }, after: { ...after, instances, revisions } };
    const { maximumIncreasePercent } = order;
    return reportPlan(await planFleet(models, sides, now, signal), {
      source: fleets.source,
      errors: fleets.errors,
      ...(maximumIncreasePercent === undefined ? {} : { maximumIncreasePercent }),
    });
  } finally {
    await models.close();
  }
}

const noCluster: Pick<Client, 'get'> = {
  get: (_resource, { name }) =>
    Promise.reject(new Error(`Secret ${name} is on a cluster, and this plan is made without one: add --kubeconfig`)),
};
