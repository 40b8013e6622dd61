import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { ExaminedModels } from '../../controller/plan/examined-models.ts';
import type { FleetPlan } from '../../controller/plan/fleet-plan.ts';
import { planFleet } from '../../controller/plan/plan-fleet.ts';
import type { Client } from '../../kube/api/client.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { connect } from '../connect.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { printJson } from '../output/format.ts';
import { readDeviceFiles } from '../plan/device-files.ts';
import { fleetObjects } from '../plan/fleet-objects.ts';
import { type LiveFleet, readLiveFleet, readRepository } from '../plan/live-objects.ts';
import { readTwoFleets, type TwoFleets } from '../plan/plan-files.ts';
import { compilePlanKinds } from '../plan/plan-kinds.ts';
import { formatPlanMarkdown } from '../plan/plan-markdown.ts';
import { isYes, reportPlan } from '../plan/plan-report.ts';
import { formatPlanText } from '../plan/plan-text.ts';

interface PlanFlags {
  files: string;
  from?: string;
  to?: string;
  devices?: string[];
  live: boolean;
  kubeconfig?: string;
  repository?: string;
  namespace: string;
  prune: boolean;
  modelStore: string;
  allowHost?: string[];
  allowPrivateSources: boolean;
  sourceCa?: string;
  cacheDir?: string;
  maxIncrease?: string;
  output: string;
}

const predictorDirectory = fileURLToPath(new URL('../../data/predictors/', import.meta.url));
const gibibyte = 2 ** 30;
const outputs = ['text', 'json', 'markdown'] as const;

export async function plan(flags: PlanFlags, signal: AbortSignal): Promise<void> {
  const output = parseOutput(flags.output);
  const maximumIncreasePercent = parseIncrease(flags.maxIncrease);
  const live = flags.live || flags.kubeconfig !== undefined || flags.repository !== undefined;
  checkTogether(flags, live);
  const cluster = live ? await connect(flags.kubeconfig) : undefined;
  try {
    const { fleets, fleetPlan } = await make(flags, cluster?.client, signal);
    const report = reportPlan(fleetPlan, {
      source: fleets.source,
      errors: fleets.errors,
      ...(maximumIncreasePercent === undefined ? {} : { maximumIncreasePercent }),
    });
    if (output === 'json') printJson(report);
    else process.stdout.write(output === 'text' ? formatPlanText(report) : formatPlanMarkdown(report));
    if (!isYes(report)) process.exitCode = exitCodes.negative;
  } finally {
    await cluster?.client.close();
  }
}

async function make(
  flags: PlanFlags,
  client: Client | undefined,
  signal: AbortSignal,
): Promise<{ fleets: TwoFleets; fleetPlan: FleetPlan }> {
  const kinds = await compilePlanKinds();
  const now = systemClock.now();
  const cluster: LiveFleet | undefined = client && (await readLiveFleet(client, signal));
  const repository =
    client && flags.repository !== undefined ? await readRepository(client, flags.repository, signal) : undefined;
  const base = cluster?.objects ?? (await readDeviceFiles(flags.devices ?? [], kinds));
  const fleets = await readTwoFleets(
    flags,
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
      cacheDirectory: flags.cacheDir ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'jouleops', 'plan'),
      modelStoreDirectory: resolve(flags.modelStore),
      predictorDirectory,
      artifacts: {
        quotaBytes: 4 * gibibyte,
        maximumBytes: 4 * gibibyte,
        allowedHosts: flags.allowHost ?? [],
        allowPrivateAddresses: flags.allowPrivateSources,
        ...(flags.sourceCa === undefined ? {} : { certificateAuthority: await readFile(flags.sourceCa, 'utf8') }),
      },
    },
  );
  try {
    const { instances = [], revisions = [] } = cluster ?? {};
    const sides = { before: { ...before, instances, revisions }, after: { ...after, instances, revisions } };
    return { fleets, fleetPlan: await planFleet(models, sides, now, signal) };
  } finally {
    await models.close();
  }
}

const noCluster: Pick<Client, 'get'> = {
  get: (_resource, { name }) =>
    Promise.reject(new Error(`Secret ${name} is on a cluster, and this plan is made without one: add --kubeconfig`)),
};

function parseOutput(text: string): (typeof outputs)[number] {
  const found = outputs.find((one) => one === text);
  if (found) return found;
  throw usage(`--output ${text} is not known`, `use one of: ${outputs.join(', ')}`);
}

function parseIncrease(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const percent = Number(text);
  if (text.trim() !== '' && percent >= 0 && percent <= 10_000) return percent;
  throw usage(`--max-increase ${text} is not a percentage`, 'write for example --max-increase 10');
}

function checkTogether({ from, devices }: PlanFlags, live: boolean): void {
  if (live && from !== undefined)
    throw usage('--from compares two commits, and a cluster is compared with the files', 'leave out --from, or --kubeconfig');
  if (live && devices !== undefined)
    throw usage('--devices and a cluster exclude each other', 'leave out --devices: the cluster knows its devices');
}

function usage(message: string, next: string): CommandError {
  return new CommandError(message, next, { exitCode: exitCodes.usage });
}
