// How far a rollout is: followed until it is complete or needs a person, as by `kubectl rollout status`.
import { readRolloutState } from '../../controller/model-deployment/revision-memory.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import { controllerRevisions } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { exitCodes, usageError } from '../exit-codes.ts';
import { formatTable } from '../output/table.ts';
import { type RolloutFlags, readDeployment, withDeployment } from '../rollout/asked.ts';
import { type ClassLine, classLines } from '../rollout/classes.ts';
import { progressOf } from '../rollout/progress.ts';

const pollMilliseconds = 250;

export async function rolloutStatus(
  name: string,
  flags: RolloutFlags & { watch: boolean; timeout: string },
  signal: AbortSignal,
): Promise<void> {
  const timeoutSeconds = parseTimeout(flags.timeout);
  await withDeployment(name, flags, signal, async ({ client, deployment, say }) => {
    const until = timeoutSeconds === 0 ? Number.POSITIVE_INFINITY : systemClock.monotonic() + timeoutSeconds * 1000;
    let live = deployment;
    let last = '';
    while (flags.watch && progressOf(live).standing === 'working' && systemClock.monotonic() < until) {
      const { message } = progressOf(live);
      if (message !== last) process.stderr.write(`${message}\n`);
      last = message;
      await systemClock.sleep(pollMilliseconds, signal);
      live = await readDeployment(client, { namespace: flags.namespace, name }, signal);
    }
    const progress = progressOf(live);
    const lines = await readClassLines(client, live, signal);
    const { currentRevision = null, devices = null } = live.status ?? {};
    say(
      { name, ...progress, currentRevision, devices, classes: lines },
      `${progress.standing}: ${progress.message}\n\n${format(lines)}`,
    );
    if (progress.standing !== 'complete') process.exitCode = exitCodes.negative;
  });
}

/** The classes of a deployment, with what the rollout of its current revision remembers of them. */
export async function readClassLines(
  client: Client,
  deployment: Stored<ModelDeployment>,
  signal: AbortSignal,
): Promise<ClassLine[]> {
  const { namespace = 'default' } = deployment.metadata;
  const revision = deployment.status?.currentRevision;
  if (revision === undefined) return [];
  const known = await client.get(controllerRevisions, { namespace, name: revision }, { signal }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  return classLines(deployment, readRolloutState(known));
}

function format(lines: readonly ClassLine[]): string {
  return formatTable(
    [
      { title: 'CLASS', value: (row) => row.deviceClassName },
      { title: 'DEVICES', value: (row) => String(row.devices), align: 'right' },
      { title: 'SERVES', value: (row) => row.revision ?? '-' },
      { title: 'TARGET', value: (row) => row.targetRevision ?? '-' },
      { title: 'STEP', value: (row) => String(row.step), align: 'right' },
      { title: 'STAGE', value: (row) => row.stage },
      { title: 'VERDICT', value: (row) => row.verdict ?? '-' },
    ],
    lines,
  );
}

const unitSeconds = { s: 1, m: 60, h: 3600 } as const;

function parseTimeout(text: string): number {
  const [, digits, unit = 's'] = /^(\d{1,6})([smh]?)$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * unitSeconds[(unit || 's') as keyof typeof unitSeconds];
  throw usageError(`--timeout ${text} is not a time`, 'write seconds, minutes or hours, such as 90, 90s, 5m or 1h; 0: no limit');
}
