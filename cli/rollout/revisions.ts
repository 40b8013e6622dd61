// The revisions of a deployment, newest first, as their ControllerRevisions remember them. Pure.
import type { RevisionData } from '../../controller/model-deployment/revision.ts';
import { readRejections, readRolloutState } from '../../controller/model-deployment/revision-memory.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ControllerRevision } from '../../kube/api/builtins.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

/** What a revision takes from the deployment's own spec. */
export type RestoredFields = Partial<Pick<RevisionData, 'modelVersionName' | 'runtime' | 'serving'>>;

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
  fields: RestoredFields;
}

export function revisionsOf(deployment: Stored<ModelDeployment>, all: readonly Stored<ControllerRevision>[]): RevisionLine[] {
  return all
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === deployment.metadata.uid))
    .sort((a, b) => b.revision - a.revision)
    .map((one) => {
      const state = readRolloutState(one);
      const data = (one.data ?? {}) as Partial<RevisionData>;
      const { modelVersionName = '', runtime, serving } = data;
      return {
        number: one.revision,
        name: one.metadata.name,
        modelVersionName,
        current: one.metadata.name === deployment.status?.currentRevision,
        outcome: state?.outcome ?? 'Unknown',
        startTime: state?.startTime ?? null,
        endTime: state?.endTime ?? null,
        message: state?.message ?? null,
        rejections: readRejections(one).map(({ deviceClassName, reason, message }) => ({ deviceClassName, reason, message })),
        fields: {
          modelVersionName,
          ...(runtime === undefined ? {} : { runtime }),
          ...(serving === undefined ? {} : { serving }),
        },
      };
    });
}

/** What `undo` goes back to: the revision asked for, or the newest other one that was rolled out whole and not rejected. */
export function revisionToRestore(lines: readonly RevisionLine[], number: number | undefined): RevisionLine {
  const refuse = (message: string, next: string) => new CommandError(message, next, { exitCode: exitCodes.negative });
  const list = '"jouleops rollout history" lists the revisions';
  const found =
    number === undefined
      ? lines.find((line) => !line.current && line.outcome === 'Succeeded' && line.rejections.length === 0)
      : lines.find((line) => line.number === number);
  if (!found && number === undefined)
    throw refuse('there is no other revision that was rolled out', `${list}; --to-revision names one`);
  if (!found) throw refuse(`there is no revision ${number}`, list);
  if (found.current) throw refuse(`revision ${found.number} is the current one`, 'name another with --to-revision');
  return found;
}
