// The revision that the deployment asks for, out of its ModelVersion.
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import { findCondition, isTrue } from '../../../kube/meta/conditions.ts';
import { type Phase, untilDeadline, waitingSince } from '../phase.ts';
import { targetRevisionOf } from '../revision.ts';
import { type ClassRollout, startRollout } from '../revision-memory.ts';
import { type Scope, timeOf } from '../scope.ts';

export const resolve: Phase = {
  condition: 'ModelResolved',
  run(scope) {
    const { deployment, version } = scope.world;
    const name = deployment.spec.modelVersionName;
    if (!version || version.metadata.deletionTimestamp !== undefined)
      return untilDeadline(scope, waitingSince(scope, 'ModelResolved', undefined), {
        reason: 'ModelVersionNotFound',
        message: `there is no ModelVersion ${name} in namespace ${deployment.metadata.namespace}: create it or correct modelVersionName`,
      });
    const ready = findCondition(version.status?.conditions, 'Ready');
    if (ready?.status !== 'True') {
      if (isTrue(version.status?.conditions, 'Stalled'))
        return {
          kind: 'stalled',
          reason: ready?.reason ?? 'ModelVersionNotReady',
          message: `ModelVersion ${name}: ${ready?.message ?? 'not ready'}`,
        };
      return untilDeadline(scope, waitingSince(scope, 'ModelResolved', version.metadata.creationTimestamp), {
        reason: 'ModelVersionNotReady',
        message: `ModelVersion ${name}: ${ready?.message ?? 'not looked at yet'}`,
      });
    }
    scope.target = targetRevisionOf(deployment, version);
    beginRollout(scope, scope.target.name);
    const later = notImplemented(deployment);
    if (later.length > 0)
      return {
        kind: 'done',
        reason: 'NotImplemented',
        message: `${scope.target.name} from ${name}; ignored, since not implemented yet: ${later.join(', ')}`,
      };
    return {
      kind: 'done',
      reason: 'Resolved',
      message: `${scope.target.name} from ModelVersion ${name} (${version.spec.version})`,
    };
  },
};

/** Another revision was asked for before: what was under way with it is superseded, and this one starts, or starts again. */
function beginRollout(scope: Scope, target: string): void {
  const now = timeOf(scope);
  for (const [name, memory] of scope.memory)
    if (name !== target && memory.state?.outcome === 'Progressing')
      memory.state = { ...memory.state, outcome: 'Superseded', endTime: now };
  const memory = scope.memory.get(target) ?? { rejections: [] };
  const newest = scope.world.revisions.at(-1)?.metadata.name;
  const again = memory.state && newest !== undefined && newest !== target;
  if (!memory.state) memory.state = startRollout(now);
  else if (again) {
    const classes = Object.entries(memory.state.classes).map(([name, rollout]) => [name, fromFirstStep(rollout, now)]);
    memory.state = { ...startRollout(now), classes: Object.fromEntries(classes), handled: memory.state.handled };
  }
  // The status still says what the last pass found: this is the first one after.
  const { deployment } = scope.world;
  if (findCondition(deployment.status?.conditions, 'Ready')?.reason === 'Suspended')
    memory.state = { ...memory.state, resumeTime: now };
  scope.memory.set(target, memory);
}

/** Its verdict holds; its batches are gone through again. */
function fromFirstStep(rollout: ClassRollout, now: string): ClassRollout {
  const { stepDoneTime: _, ...rest } = rollout;
  return { ...rest, step: 0, stepTime: now };
}

/** Fields whose behaviour comes later say so (api.md). */
function notImplemented({ spec }: ModelDeployment): string[] {
  return [
    ...(spec.drift ? ['drift'] : []),
    ...(spec.retrain ? ['retrain'] : []),
    ...(spec.rollout?.experiment ? ['rollout.experiment'] : []),
    ...(spec.placement.batteryPolicy ? ['placement.batteryPolicy'] : []),
  ];
}
