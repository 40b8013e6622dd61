// What the agent does by itself, all the time: sampling, baselines, windows of operation, enforcement.
import type { Logger } from 'pino';
import type { Clock } from '../kube/runtime/clock.ts';
import type { BlobStore } from './artifacts/blob-store.ts';
import type { DesiredState } from './assignment/desired-state.ts';
import type { BudgetJudge } from './enforcement/budget-judge.ts';
import { enforceBudgets } from './enforcement/enforce-budgets.ts';
import type { Pace } from './enforcement/pace.ts';
import { hasEnded } from './has-ended.ts';
import type { Instances } from './instances.ts';
import type { DeviceTurn, LiveLoad } from './measurement/device-turn.ts';
import type { EnergyBook } from './measurement/energy-book.ts';
import type { IdleBaselines } from './measurement/idle-baseline.ts';
import { watchOperation } from './measurement/operation-windows.ts';
import { powerStretches } from './measurement/power-stretches.ts';
import { SharedPower, type WorkingWatts } from './measurement/shared-power.ts';
import { sharedReadings } from './measurement/shared-readings.ts';
import type { AgentMetrics } from './metrics/agent-metrics.ts';
import { modelKey } from './metrics/model-labels.ts';
import type { NodePower } from './power/node-power.ts';
import type { PowerMeter } from './power/power-meter.ts';
import type { DayTotals } from './record/day-totals.ts';
import type { PowerLedger } from './record/power-ledger.ts';
import type { Routes } from './serving/routes.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface BackgroundDeps {
  clock: Clock;
  logger: Logger;
  store: BlobStore;
  desired: DesiredState;
  instances: Instances;
  book: EnergyBook;
  ledger: PowerLedger;
  judge: BudgetJudge;
  pace: Pace;
  baselines: IdleBaselines;
  turn: DeviceTurn;
  live: LiveLoad;
  power: NodePower;
  telemetry: Telemetry;
  routes: Routes;
  metrics: AgentMetrics;
  days: DayTotals;
  /** Puts on disk what was learned. */
  keep: () => Promise<void>;
  online: () => boolean;
  onCacheBytes: (bytes: number) => void;
  onChange: () => void;
}

const holdCheckSeconds = 30;
/** Between two writes of what was learned, when no status was written meanwhile: an SD card wears out. */
const keepSeconds = 180;

/** Runs until the signal ends it. A task that fails is logged and run again. */
export async function runBackground(deps: BackgroundDeps, windowSeconds: number, signal: AbortSignal): Promise<void> {
  const { clock, logger, store, instances, baselines, turn, power, telemetry } = deps;
  const every = async (seconds: number, run: () => void | Promise<void>) => {
    while (!signal.aborted) {
      try {
        await run();
      } catch (error) {
        if (!hasEnded(signal)) logger.warn({ err: error }, 'a background task failed; it is run again');
      }
      await clock.sleep(seconds * 1000, signal).catch(() => {});
    }
  };
  await Promise.all([
    power.run(signal),
    telemetry.run(signal),
    every(holdCheckSeconds, () => instances.wakeAll()),
    every(3 * windowSeconds, async () => {
      const blobs = await store.list();
      deps.onCacheBytes(blobs.reduce((sum, blob) => sum + blob.bytes, 0));
      const meters = turn.held ? [] : power.meters.filter((meter) => !meter.source.onDemand);
      const known = meters.map((meter) => baselines.last(meter));
      await Promise.all(meters.map((meter) => baselines.ensure(meter, signal)));
      if (meters.some((meter, index) => baselines.last(meter) !== known[index])) deps.onChange();
    }),
    operation(deps, windowSeconds, signal),
    every(windowSeconds, enforcement(deps)),
    every(windowSeconds, countDays(deps)),
    every(keepSeconds, deps.keep),
    every(keepSeconds, () => deps.metrics.keepOnly(new Set(deps.desired.models().map(modelKey)))),
  ]);
}

function operation(deps: BackgroundDeps, windowSeconds: number, signal: AbortSignal): Promise<void> {
  const { routes, book, ledger, power, metrics, telemetry } = deps;
  const shared = new SharedPower();
  const models = () => routes.list().flatMap((route) => [route.active, route.candidate].filter((model) => model !== undefined));
  return watchOperation(
    {
      ...deps,
      models,
      windowSeconds,
      throttled: () => telemetry.sample.throttled,
      cpuSeconds: () => telemetry.busyCpuSeconds(),
      onInterval: (interval) => {
        const standing = power.meters.filter((meter) => !meter.source.onDemand && power.at(meter.source.boundary) === meter);
        shared.add(interval);
        // One regression per meter and window, and none while a model works alone.
        const known = new Map<PowerMeter, ReadonlyMap<string, WorkingWatts>>();
        const wattsOf = (meter: PowerMeter) => {
          const watts = known.get(meter) ?? shared.workingWatts(meter);
          known.set(meter, watts);
          return watts;
        };
        for (const stretch of powerStretches(interval, standing, wattsOf)) ledger.add(stretch);
        for (const { work, reading } of sharedReadings(interval, wattsOf)) {
          if (power.at(reading.boundary)?.source.name !== reading.source) continue;
          book.recordShared(work.model.slot.revision, reading);
          deps.onChange();
        }
      },
      onWindow: (model, window) => {
        book.recordWindow(model.slot.revision, window);
        if (window.boundary === power.total?.source.boundary) {
          const joules = window.windowJoules * window.inferences;
          metrics.addInferenceEnergy(model, 'Exclusive', joules);
          deps.days.add(`model ${model.address.namespace}/${model.address.deployment}`, joules, deps.clock.now());
        }
        deps.onChange();
      },
    },
    signal,
  );
}

/** What each meter has counted since the last look. */
function countDays({ power, days, clock }: BackgroundDeps): () => void {
  const counted = new Map<PowerMeter, number>();
  return () => {
    for (const meter of power.meters) {
      const { joules } = meter.total;
      days.add(meter.source.name, joules - (counted.get(meter) ?? 0), clock.now());
      counted.set(meter, joules);
    }
  };
}

function enforcement(deps: BackgroundDeps): () => Promise<void> {
  const { instances, metrics, onChange } = deps;
  const exceeded = new Set<string>();
  return () =>
    enforceBudgets({
      ...deps,
      onVerdict: (instance, slot, verdict) => {
        const key = `${instance.uid}/${slot.revision}`;
        if (verdict !== 'ExceedsBudget') exceeded.delete(key);
        else if (!exceeded.has(key)) {
          exceeded.add(key);
          metrics.countBudgetExceeded({
            namespace: instance.namespace,
            deployment: instance.spec.deploymentName,
            version: slot.modelVersion,
          });
        }
      },
      onChange: (instance) => {
        instances.put(instance);
        onChange();
      },
    });
}
