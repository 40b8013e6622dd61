// The revisions of a deployment, newest first, as their ControllerRevisions remember them. Pure.
import type { RevisionData } from '../../controller/model-deployment/revision.ts';
import { readRejections, readRolloutState } from '../../controller/model-deployment/revision-memory.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ControllerRevision } from '../../kube/api/builtins.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

export interface RevisionLine {
  number: number;
  name: string;
  modelVersionName: string;
  current: boolean;
  outcome: string;
  startTime: string | null;
  endTime: string | null;
  message: string | null;
  rejections: { deviceClassName: string; reason: string; message: string }[];
}

export function revisionsOf(deployment: Stored<ModelDeployment>, all: readonly Stored<ControllerRevision>[]): RevisionLine[] {
  return all
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === deployment.metadata.uid))
    .sort((a, b) => b.revision - a.revision)
    .map((one) => {
      const state = readRolloutState(one);
      return {
        number: one.revision,
        name: one.metadata.name,
        modelVersionName: (one.data as Partial<RevisionData> | undefined)?.modelVersionName ?? '',
        current: one.metadata.name === deployment.status?.currentRevision,
        outcome: state?.outcome ?? 'Unknown',
        startTime: state?.startTime ?? null,
        endTime: state?.endTime ?? null,
        message: state?.message ?? null,
        rejections: readRejections(one).map(({ deviceClassName, reason, message }) => ({ deviceClassName, reason, message })),
      };
    });
}

/** What `undo` goes back to: the revision asked for, or the newest other one that was not rejected. */
export function revisionToRestore(lines: readonly RevisionLine[], number: number | undefined): RevisionLine {
  const refuse = (message: string, next: string) => new CommandError(message, next, { exitCode: exitCodes.negative });
  const found =
    number === undefined
      ? lines.find((line) => !line.current && line.rejections.length === 0)
      : lines.find((line) => line.number === number);
  if (!found)
    throw refuse(
      number === undefined ? 'there is no other revision that was not rejected' : `there is no revision ${number}`,
      '"jouleops rollout history" lists the revisions',
    );
  if (found.current) throw refuse(`revision ${found.number} is the current one`, 'name another with --to-revision');
  return found;
}
