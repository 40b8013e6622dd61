// What each device class of a deployment is at: the answer to "whom does a promotion let pass, and where". Pure.
import { criteriaHashOf } from '../../controller/model-deployment/revision.ts';
import type { ClassRollout, RolloutState } from '../../controller/model-deployment/revision-memory.ts';
import type { ClassStatus, ModelDeployment } from '../../crds/model-deployment.ts';
import { isTrue } from '../../kube/meta/conditions.ts';

/** `gate` and `verdict` wait for a person; `moving` is neither tested nor waiting. */
export type ClassStage = 'rejected' | 'gate' | 'verdict' | 'testing' | 'moving' | 'done';

export interface ClassLine {
  deviceClassName: string;
  devices: number;
  revision: string | null;
  targetRevision: string | null;
  step: number;
  stage: ClassStage;
  verdict: string | null;
  message: string | null;
}

export function classLines(deployment: ModelDeployment, state: RolloutState | undefined): ClassLine[] {
  const criteriaHash = criteriaHashOf(deployment);
  return (deployment.status?.classes ?? [])
    .filter((one) => one.devices > 0)
    .map((one) => {
      const remembered = state?.classes[one.deviceClassName];
      const rollout = remembered?.criteriaHash === criteriaHash ? remembered : undefined;
      return {
        deviceClassName: one.deviceClassName,
        devices: one.devices,
        revision: one.revision ?? null,
        targetRevision: one.targetRevision ?? null,
        step: rollout?.step ?? one.step ?? 0,
        stage: isRejected(deployment, one, criteriaHash) ? 'rejected' : stageOf(deployment, one, rollout),
        verdict: one.analysis?.verdict ?? null,
        message: one.analysis?.message ?? null,
      };
    });
}

function isRejected({ status }: ModelDeployment, { deviceClassName }: ClassStatus, criteriaHash: string): boolean {
  return (status?.rejectedRevisions ?? []).some(
    (one) =>
      one.revision === status?.currentRevision && one.deviceClassName === deviceClassName && one.criteriaHash === criteriaHash,
  );
}

function stageOf({ spec, status }: ModelDeployment, one: ClassStatus, rollout: ClassRollout | undefined): ClassStage {
  if (isTrue(status?.conditions, 'RolledOut') && one.revision === status?.currentRevision) return 'done';
  if (rollout?.verdict === 'Inconclusive' || rollout?.verdict === 'Failed') return 'verdict';
  const gate = rollout?.stepDoneTime !== undefined && spec.rollout?.steps?.[rollout.step]?.gate === 'Manual';
  if (gate) return 'gate';
  return one.analysis?.verdict === 'Running' ? 'testing' : 'moving';
}
