// What people ask of a rollout: how far it is, let it pass, stop it, try it again, what was before, go back.
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import { fieldManagers } from '../../crds/names.ts';
import { fleetRepositories, modelDeployments } from '../../crds/resources.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import { controllerRevisions } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { listAll } from '../../kube/cache/list-pager.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { connect } from '../connect.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';
import { formatTable } from '../output/table.ts';
import { giveCommand } from '../rollout/annotate.ts';
import { formatGitChange, gitChangeFor } from '../rollout/git-change.ts';
import { progressOf } from '../rollout/progress.ts';
import { revisionsOf, revisionToRestore } from '../rollout/revisions.ts';

interface Flags {
  kubeconfig?: string;
  namespace: string;
  output: string;
}

interface Asked {
  client: Client;
  deployment: Stored<ModelDeployment>;
  /** Prints the text, or the value with --output json. */
  say(value: unknown, text: string): void;
}

async function withDeployment(name: string, flags: Flags, signal: AbortSignal, run: (asked: Asked) => Promise<void>) {
  const format = parseOutputFormat(flags.output);
  const { client } = await connect(flags.kubeconfig);
  try {
    const deployment = await read(client, flags.namespace, name, signal);
    const say = (value: unknown, text: string) => (format === 'json' ? printJson(value) : void process.stdout.write(`${text}\n`));
    await run({ client, deployment, say });
  } finally {
    await client.close();
  }
}

async function read(client: Client, namespace: string, name: string, signal: AbortSignal) {
  return await client.get(modelDeployments, { namespace, name }, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw new CommandError(
      `there is no ModelDeployment ${namespace}/${name}`,
      '"jouleops status" lists the deployments; -n names the namespace',
      { cause: error },
    );
  });
}

export async function rolloutStatus(
  name: string,
  flags: Flags & { watch: boolean; timeout: string },
  signal: AbortSignal,
): Promise<void> {
  const timeoutSeconds = parseCount('--timeout', flags.timeout, 0);
  await withDeployment(name, flags, signal, async ({ client, deployment, say }) => {
    const until = systemClock.monotonic() + timeoutSeconds * 1000;
    let live = deployment;
    let last = '';
    for (;;) {
      const progress = progressOf(live);
      const over = timeoutSeconds > 0 && systemClock.monotonic() >= until;
      if (flags.watch && progress.standing === 'working' && !over) {
        if (progress.message !== last) process.stderr.write(`${progress.message}\n`);
        last = progress.message;
        await systemClock.sleep(250, signal);
        live = await read(client, flags.namespace, name, signal);
        continue;
      }
      const { currentRevision = null, devices = null, classes = [] } = live.status ?? {};
      const rows = classes.map((one) => ({
        deviceClassName: one.deviceClassName,
        devices: one.devices,
        revision: one.revision ?? null,
        targetRevision: one.targetRevision ?? null,
        step: one.step ?? 0,
        verdict: one.analysis?.verdict ?? null,
      }));
      const table = formatTable(
        [
          { title: 'CLASS', value: (row) => row.deviceClassName },
          { title: 'DEVICES', value: (row) => String(row.devices), align: 'right' },
          { title: 'SERVES', value: (row) => row.revision ?? '-' },
          { title: 'TARGET', value: (row) => row.targetRevision ?? '-' },
          { title: 'STEP', value: (row) => String(row.step), align: 'right' },
          { title: 'VERDICT', value: (row) => row.verdict ?? '-' },
        ],
        rows,
      );
      say(
        { name, ...progress, currentRevision, devices, classes: rows },
        `${progress.standing}: ${progress.message}\n\n${table}`,
      );
      if (progress.standing !== 'complete') process.exitCode = exitCodes.negative;
      return;
    }
  });
}

export async function rolloutPromote(name: string, flags: Flags & { step?: string }, signal: AbortSignal): Promise<void> {
  const asked = flags.step === undefined ? undefined : parseCount('--step', flags.step, 0);
  await withDeployment(name, flags, signal, async (context) => {
    const revision = inProgress(context.deployment, 'promote');
    const held = context.deployment.status?.classes?.filter((one) => one.devices > 0) ?? [];
    // Classes advance apart: the one that is behind is let pass first.
    const step = asked ?? Math.min(...held.map((one) => one.step ?? 0), Number.MAX_SAFE_INTEGER);
    await command(context, 'promote', `${revision}/${held.length === 0 ? (asked ?? 0) : step}`, signal);
  });
}

export async function rolloutAbort(name: string, flags: Flags, signal: AbortSignal): Promise<void> {
  await withDeployment(name, flags, signal, (asked) => command(asked, 'abort', inProgress(asked.deployment, 'abort'), signal));
}

export async function rolloutRetry(name: string, flags: Flags, signal: AbortSignal): Promise<void> {
  await withDeployment(name, flags, signal, async (asked) => {
    const revision = asked.deployment.status?.currentRevision;
    const rejected = asked.deployment.status?.rejectedRevisions?.some((one) => one.revision === revision);
    if (revision === undefined || !rejected)
      throw new CommandError(
        `the current revision ${revision ?? '(none)'} of ${name} is not rejected`,
        '"jouleops rollout history" shows what was rejected',
        { exitCode: exitCodes.negative },
      );
    await command(asked, 'retry', revision, signal);
  });
}

function inProgress(deployment: ModelDeployment, what: string): string {
  const revision = deployment.status?.currentRevision;
  const { standing, message } = progressOf(deployment);
  const rejected = deployment.status?.rejectedRevisions?.some((one) => one.revision === revision) ?? false;
  if (revision !== undefined && standing !== 'complete' && !(standing === 'stalled' && rejected)) return revision;
  throw new CommandError(
    `there is no rollout under way to ${what}: ${message}`,
    '"jouleops rollout history" shows what was; "rollout undo" goes back',
    { exitCode: exitCodes.negative },
  );
}

async function command(
  { client, deployment, say }: Asked,
  what: 'promote' | 'abort' | 'retry',
  value: string,
  signal: AbortSignal,
) {
  await giveCommand({ client }, deployment, what, value, signal);
  const { name } = deployment.metadata;
  say(
    { name, command: what, value },
    `${name}: asked the controller to ${what} ${value}; "jouleops rollout status ${name} --watch" follows it`,
  );
}

async function readRevisions({ client, deployment }: Asked, signal: AbortSignal) {
  const { namespace = 'default' } = deployment.metadata;
  return revisionsOf(deployment, (await listAll(client, controllerRevisions, { namespace, signal })).items);
}

export async function rolloutHistory(name: string, flags: Flags, signal: AbortSignal): Promise<void> {
  await withDeployment(name, flags, signal, async (asked) => {
    const lines = await readRevisions(asked, signal);
    const table = formatTable(
      [
        { title: 'REVISION', value: (row) => `${row.number}${row.current ? '*' : ''}`, align: 'right' },
        { title: 'NAME', value: (row) => row.name },
        { title: 'MODEL', value: (row) => row.modelVersionName },
        { title: 'OUTCOME', value: (row) => row.outcome },
        { title: 'STARTED', value: (row) => row.startTime ?? '-' },
        {
          title: 'WHY',
          value: (row) =>
            row.rejections.map((one) => `${one.deviceClassName}: ${one.reason}: ${one.message}`).join('; ') ||
            (row.message ?? '-'),
        },
      ],
      lines,
    );
    asked.say({ name, revisions: lines }, table);
  });
}

export async function rolloutUndo(name: string, flags: Flags & { toRevision?: string }, signal: AbortSignal): Promise<void> {
  const number = flags.toRevision === undefined ? undefined : parseCount('--to-revision', flags.toRevision, 1);
  await withDeployment(name, flags, signal, async (asked) => {
    const { client, deployment, say } = asked;
    const { number: revision, modelVersionName: to } = revisionToRestore(await readRevisions(asked, signal), number);
    const from = deployment.spec.modelVersionName;
    if (to === from)
      throw new CommandError(
        `revision ${revision} has the same model ${to}: it differs in spec.serving or spec.runtime`,
        'change these fields back where the deployment is declared',
        { exitCode: exitCodes.negative },
      );
    const fleets = await listAll(client, fleetRepositories, { signal });
    const change = await gitChangeFor(deployment, fleets.items, to);
    if (change) {
      say({ name, changed: false, revision, change }, formatGitChange(change));
      process.exitCode = exitCodes.negative;
      return;
    }
    const body = { metadata: { resourceVersion: deployment.metadata.resourceVersion }, spec: { modelVersionName: to } };
    const key = { namespace: flags.namespace, name };
    await client.patch(modelDeployments, key, { kind: 'merge', body }, { signal, fieldManager: fieldManagers.cli });
    say(
      { name, changed: true, revision, field: 'spec.modelVersionName', from, to },
      `${name}: back to revision ${revision}: spec.modelVersionName ${from} → ${to}`,
    );
  });
}

function parseCount(flag: string, text: string, minimum: number): number {
  if (/^\d{1,6}$/.test(text) && Number(text) >= minimum) return Number(text);
  throw new CommandError(
    `${flag} ${text} is not a whole number of at least ${minimum}`,
    `write digits, such as ${flag} ${minimum + 1}`,
    { exitCode: exitCodes.usage },
  );
}
