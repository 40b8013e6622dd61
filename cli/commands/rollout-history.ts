// What was rolled out before and what became of it, and the way back.
import { fieldManagers } from '../../crds/names.ts';
import { fleetRepositories, modelDeployments, modelVersions } from '../../crds/resources.ts';
import { isConflict, isNotFound } from '../../kube/api/api-error.ts';
import { controllerRevisions } from '../../kube/api/builtins.ts';
import { listAll } from '../../kube/cache/list-pager.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { wholeNumber } from '../flags/number.ts';
import { formatTable } from '../output/table.ts';
import { type Asked, type RolloutFlags, withDeployment } from '../rollout/asked.ts';
import { formatGitChange, gitChangeFor } from '../rollout/git-change.ts';
import { type RevisionLine, revisionsOf, revisionToRestore } from '../rollout/revisions.ts';
import { changesTo, formatValue, patchOf } from '../rollout/spec-changes.ts';

/** Of a reason in the table; --output json has it whole. */
const maximumReason = 120;

export async function rolloutHistory(name: string, flags: RolloutFlags, signal: AbortSignal): Promise<void> {
  await withDeployment(name, flags, signal, async (asked) => {
    const lines = await readRevisions(asked, signal);
    asked.say({ name, revisions: lines }, format(lines));
  });
}

export async function rolloutUndo(
  name: string,
  flags: RolloutFlags & { toRevision?: string },
  signal: AbortSignal,
): Promise<void> {
  const number = flags.toRevision === undefined ? undefined : wholeNumber('--to-revision', flags.toRevision, 1);
  await withDeployment(name, flags, signal, async (asked) => {
    const { client, deployment, say } = asked;
    if (deployment.status?.observedGeneration !== deployment.metadata.generation)
      throw new CommandError('the controller has not seen this generation yet', 'see that it runs, and repeat the command', {
        exitCode: exitCodes.negative,
      });
    const target = revisionToRestore(await readRevisions(asked, signal), number);
    await mustExist(asked, target, signal);
    const changes = changesTo(deployment.spec, target.fields);
    const revision = target.number;
    if (changes.length === 0)
      throw new CommandError(
        `the deployment asks for revision ${revision} already: its ModelVersion ${target.modelVersionName} has been declared anew since`,
        'declare the earlier model under a name of its own',
        { exitCode: exitCodes.negative },
      );
    const fleets = await listAll(client, fleetRepositories, { signal });
    const change = await gitChangeFor(deployment, fleets.items, changes);
    if (change) {
      say({ name, changed: false, revision, change }, formatGitChange(change));
      process.exitCode = exitCodes.negative;
      return;
    }
    const body = patchOf(changes, deployment.metadata.resourceVersion);
    const key = { namespace: flags.namespace, name };
    await client
      .patch(modelDeployments, key, { kind: 'json', body }, { signal, fieldManager: fieldManagers.cli })
      .catch((error: unknown) => {
        if (!isConflict(error)) throw error;
        throw new CommandError(`${name} was changed by somebody else meanwhile`, 'look at it, and repeat the command', {
          cause: error,
        });
      });
    const told = changes.map(({ field, from, to }) => `${field} ${formatValue(from)} → ${formatValue(to)}`).join(', ');
    say({ name, changed: true, revision, changes }, `${name}: back to revision ${revision}: ${told}`);
  });
}

async function readRevisions({ client, deployment }: Asked, signal: AbortSignal): Promise<RevisionLine[]> {
  const { namespace = 'default' } = deployment.metadata;
  return revisionsOf(deployment, (await listAll(client, controllerRevisions, { namespace, signal })).items);
}

/** A revision keeps what a device loads, but the deployment names a ModelVersion. */
async function mustExist({ client, deployment }: Asked, { modelVersionName, number }: RevisionLine, signal: AbortSignal) {
  const { namespace = 'default' } = deployment.metadata;
  await client.get(modelVersions, { namespace, name: modelVersionName }, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw new CommandError(
      `revision ${number} needs the ModelVersion ${modelVersionName}, which is gone`,
      'declare it again, or name another revision with --to-revision',
      { exitCode: exitCodes.negative, cause: error },
    );
  });
}

function format(lines: readonly RevisionLine[]): string {
  return formatTable(
    [
      { title: 'REVISION', value: (row) => `${row.number}${row.current ? '*' : ''}`, align: 'right' },
      { title: 'NAME', value: (row) => row.name },
      { title: 'MODEL', value: (row) => row.modelVersionName },
      { title: 'OUTCOME', value: (row) => row.outcome },
      { title: 'STARTED', value: (row) => row.startTime ?? '-' },
      { title: 'WHY', value: reasonOf },
    ],
    lines,
  );
}

function reasonOf({ rejections, message }: RevisionLine): string {
  const text = rejections.map((one) => `${one.deviceClassName}: ${one.reason}: ${one.message}`).join('; ') || (message ?? '-');
  return text.length <= maximumReason ? text : `${text.slice(0, maximumReason)}…`;
}
