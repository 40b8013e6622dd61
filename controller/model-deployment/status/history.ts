// The last five revisions and what became of them, out of what their ControllerRevisions remember. Pure.
import type { ModelDeploymentStatus } from '../../../crds/model-deployment.ts';
import { measureClass } from '../measured/measured.ts';
import type { RevisionData } from '../revision.ts';
import type { Scope } from '../scope.ts';
import type { Headline } from './headline.ts';

type HistoryEntry = NonNullable<ModelDeploymentStatus['history']>[number];

const length = 5;

export function describeHistory(scope: Scope, headline: Headline | undefined): HistoryEntry[] {
  const target = scope.target;
  noteNumbers(scope, headline);
  const known = scope.world.revisions
    .filter((revision) => revision.metadata.name !== target?.name)
    .map((revision) => ({
      name: revision.metadata.name,
      modelVersionName: (revision.data as Partial<RevisionData> | undefined)?.modelVersionName ?? '',
    }));
  const all = [...known, ...(target ? [{ name: target.name, modelVersionName: target.data.modelVersionName }] : [])];
  return all
    .reverse()
    .flatMap(({ name, modelVersionName }): HistoryEntry[] => {
      const state = scope.memory.get(name)?.state;
      if (!state) return [];
      const { outcome, startTime, endTime, predicted, measured, message } = state;
      return [
        {
          revision: name,
          modelVersionName,
          outcome,
          startTime,
          ...(endTime === undefined ? {} : { endTime }),
          ...(predicted === undefined ? {} : { predicted }),
          ...(measured === undefined ? {} : { measured }),
          ...(message === undefined ? {} : { message: message.slice(0, 1024) }),
        },
      ];
    })
    .slice(0, length);
}

/** What was predicted when the rollout began and measured when it ended; live numbers are elsewhere. */
function noteNumbers(scope: Scope, headline: Headline | undefined): void {
  const name = scope.target?.name;
  const memory = name === undefined ? undefined : scope.memory.get(name);
  const state = memory?.state;
  if (!memory || !state || name === undefined) return;
  const predicted = state.predicted ?? headline?.predicted;
  const group = scope.groups.find(({ className }) => className === headline?.deviceClassName);
  const serving = group && measureClass(group, name).measured !== undefined;
  const measured = state.measured ?? (serving ? headline?.measured : undefined);
  memory.state = { ...state, ...(predicted === undefined ? {} : { predicted }), ...(measured === undefined ? {} : { measured }) };
}
