// What people say to a rollout: let it pass, stop it, try it again.
import { criteriaHashOf } from '../../controller/model-deployment/revision.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { wholeNumber } from '../flags/number.ts';
import { giveCommand, type RolloutCommand } from '../rollout/annotate.ts';
import { type Asked, type RolloutFlags, withDeployment } from '../rollout/asked.ts';
import { progressOf } from '../rollout/progress.ts';
import { stepToPromote } from '../rollout/promotion.ts';
import { readClassLines } from './rollout-status.ts';

const refuse = (message: string, next: string) => new CommandError(message, next, { exitCode: exitCodes.negative });

export async function rolloutPromote(name: string, flags: RolloutFlags & { step?: string }, signal: AbortSignal): Promise<void> {
  const step = flags.step === undefined ? undefined : wholeNumber('--step', flags.step, 0);
  await withDeployment(name, flags, signal, async (asked) => {
    const revision = underWay(asked, 'promote');
    const lines = await readClassLines(asked.client, asked.deployment, signal);
    await command(asked, { name: 'promote', value: `${revision}/${stepToPromote(lines, step)}`, revision }, signal);
  });
}

export async function rolloutAbort(name: string, flags: RolloutFlags, signal: AbortSignal): Promise<void> {
  await withDeployment(name, flags, signal, async (asked) => {
    const revision = underWay(asked, 'abort');
    const lines = await readClassLines(asked.client, asked.deployment, signal);
    if (lines.length > 0 && lines.every(({ stage }) => stage === 'rejected'))
      throw refuse(`${revision} is rejected on every class already`, '"jouleops rollout history" says why');
    await command(asked, { name: 'abort', value: revision, revision }, signal);
  });
}

export async function rolloutRetry(name: string, flags: RolloutFlags, signal: AbortSignal): Promise<void> {
  await withDeployment(name, flags, signal, async (asked) => {
    mustBeSeen(asked, 'retry');
    const revision = asked.deployment.status?.currentRevision;
    const criteriaHash = criteriaHashOf(asked.deployment);
    const rejected = (asked.deployment.status?.rejectedRevisions ?? []).some(
      (one) => one.revision === revision && one.criteriaHash === criteriaHash,
    );
    if (revision === undefined || !rejected)
      throw refuse(
        `the current revision ${revision ?? '(none)'} of ${name} is not rejected`,
        '"jouleops rollout history" shows what was',
      );
    await command(asked, { name: 'retry', value: revision, revision }, signal);
  });
}

/** The revision that is being rolled out. @throws CommandError when none is. */
function underWay(asked: Asked, what: string): string {
  mustBeSeen(asked, what);
  const { deployment } = asked;
  const revision = deployment.status?.currentRevision;
  const { standing, message } = progressOf(deployment);
  if (revision !== undefined && standing !== 'complete') return revision;
  throw refuse(
    `there is no rollout under way to ${what}: ${message}`,
    '"jouleops rollout history" shows what was; "rollout undo" goes back',
  );
}

/** Of a generation that the controller has not seen, or does not look at, nobody knows the revision. */
function mustBeSeen({ deployment }: Asked, what: string): void {
  if (deployment.spec.suspend === true)
    throw refuse(`${deployment.metadata.name} is suspended: there is nothing to ${what}`, 'set spec.suspend to false first');
  if (deployment.status?.observedGeneration === deployment.metadata.generation) return;
  throw refuse('the controller has not seen this generation yet', 'see that it runs, and repeat the command');
}

async function command({ client, deployment, say }: Asked, given: RolloutCommand, signal: AbortSignal): Promise<void> {
  await giveCommand({ client }, deployment, given, signal);
  const { name } = deployment.metadata;
  say(
    { name, command: given.name, value: given.value },
    `${name}: the controller has taken ${given.name} ${given.value}; "jouleops rollout status ${name}" follows it`,
  );
}
