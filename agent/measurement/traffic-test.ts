// Carries out an order to compare candidate and active model on live requests, and tells ten times per window how far it is.
import type { EnergyTestStatus, TrafficTestOrder } from '../../crds/model-instance.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { LiveStatistics } from '../serving/live-statistics.ts';
import type { ServedModel } from '../serving/served-model.ts';

const reportsPerWindow = 10;

export async function runTrafficTest(
  order: TrafficTestOrder,
  { active, candidate }: { active: ServedModel; candidate: ServedModel },
  clock: Clock,
  tell: (status: EnergyTestStatus) => void,
  signal: AbortSignal,
): Promise<void> {
  const started = clock.monotonic();
  const startTime = new Date(clock.now()).toISOString();
  const seen = new LiveStatistics(order.compareAnswers ?? false);
  const beside = new LiveStatistics(false);
  candidate.live = seen;
  active.live = beside;
  try {
    for (;;) {
      await clock.sleep((order.windowSeconds * 1000) / reportsPerWindow, signal);
      const done = seen.inferences + seen.errors;
      const over = clock.monotonic() - started >= order.windowSeconds * 1000;
      const enough = done >= order.minimumInferences;
      // Without one comparison there is no verdict on the answers. Errors alone are one, and leave nothing to compare.
      const unseen = seen.compareAnswers && seen.compared === 0 && seen.inferences > 0;
      const state = !over ? 'Running' : enough && !unseen ? 'Completed' : 'Waiting';
      tell({
        id: order.id,
        kind: 'Traffic',
        state,
        ...(state === 'Waiting' ? whyItWaits(order, enough) : {}),
        windows: order.minimumInferences,
        windowsDone: done,
        ...seen.figures(),
        active: beside.figures(),
        ...(seen.compared === 0
          ? {}
          : { compared: seen.compared, agreementPermille: Math.floor((1000 * seen.agreed) / seen.compared) }),
        startTime,
      });
      if (state === 'Completed') return;
    }
  } finally {
    if (candidate.live === seen) candidate.live = undefined;
    if (active.live === beside) active.live = undefined;
  }
}

function whyItWaits({ windowSeconds }: TrafficTestOrder, enough: boolean): { reason: string; message: string } {
  const lack = enough ? 'no answers could be compared yet' : 'too few live requests have come';
  return { reason: 'Waiting', message: `the window of ${windowSeconds} s is over, and ${lack}` };
}
