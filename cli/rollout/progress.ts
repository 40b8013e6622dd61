// Where a rollout stands, out of the status of its deployment. Pure.
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import { findCondition } from '../../kube/meta/conditions.ts';

export interface Progress {
  /** `waiting`: for a person, at a gate. */
  standing: 'complete' | 'working' | 'waiting' | 'stalled' | 'suspended';
  message: string;
}

export function progressOf({ status, metadata, spec }: ModelDeployment): Progress {
  if (status?.observedGeneration !== metadata.generation)
    return { standing: 'working', message: 'the controller has not seen this generation yet' };
  if (spec.suspend === true) return { standing: 'suspended', message: 'spec.suspend is set: nothing is rolled out' };
  const stalled = findCondition(status?.conditions, 'Stalled');
  if (stalled?.status === 'True') return { standing: 'stalled', message: `${stalled.reason}: ${stalled.message}` };
  const ready = findCondition(status?.conditions, 'Ready');
  const rolledOut = findCondition(status?.conditions, 'RolledOut');
  if (ready?.status === 'True' && rolledOut?.status === 'True') return { standing: 'complete', message: ready.message };
  const open = rolledOut && rolledOut.status !== 'True' ? rolledOut : ready;
  return {
    standing: open?.reason === 'AwaitingPromotion' ? 'waiting' : 'working',
    message: open ? `${open.reason}: ${open.message}` : 'waiting for the controller',
  };
}
