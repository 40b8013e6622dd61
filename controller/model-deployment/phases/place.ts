// Reports what the fleet's placement loop decided for this deployment.
import { counted } from '../../../kube/meta/counted.ts';
import { type Phase, untilDeadline, waitingSince } from '../phase.ts';
import { rejectionOf } from '../scope.ts';

export const place: Phase = {
  condition: 'Placed',
  run(scope) {
    const { placement, instances } = scope.world;
    if (!placement) return { kind: 'waiting', reason: 'Progressing', message: 'placement has not decided yet' };
    const startTime = scope.target && scope.memory.get(scope.target.name)?.state?.startTime;
    const { desired, chosen, shortfall } = placement;
    if (chosen.length === 0) {
      const target = scope.target?.name ?? '';
      const rejected = scope.groups.flatMap((group) => rejectionOf(scope, target, group.className) ?? []);
      const [first] = rejected;
      if (first && rejected.length === scope.groups.length)
        return {
          kind: 'stalled',
          reason: 'RevisionRejected',
          message: `${target} was rejected on ${first.deviceClassName}: ${first.message}; change the model, the budget, or set the annotation jouleops.dev/retry`,
        };
      return untilDeadline(scope, waitingSince(scope, 'Placed', startTime), {
        reason: 'NoFeasibleDevice',
        message: shortfall ?? 'no device is feasible',
      });
    }
    const present = new Set(instances.map((instance) => instance.spec.deviceName));
    if (!chosen.every((device) => present.has(device))) {
      const message = `${counted(chosen.length, 'instance is', 'instances are')} being created`;
      return { kind: 'waiting', reason: 'Progressing', message };
    }
    const placed = `${chosen.length} of ${counted(desired, 'device')}`;
    if (chosen.length < desired) return { kind: 'partly', reason: 'NoFeasibleDevice', message: shortfall ?? placed };
    return { kind: 'done', reason: 'Placed', message: `on ${placed}` };
  },
};
