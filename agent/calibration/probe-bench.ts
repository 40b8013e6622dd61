// This machine as a test bench: probes are written, loaded in a child process as any model is, and measured.
import type { Slot } from '../../crds/model-instance.ts';
import type { Boundary } from '../../crds/shared.ts';
import type { GraphFeatures } from '../../energy/graph/analysis.ts';
import { analyzeGraph, UnsupportedModelError } from '../../energy/graph/extract/analyze.ts';
import type { ProbeCandidate } from '../../energy/onnx/networks/probe-candidates.ts';
import { quantityAt } from '../../energy/prediction/verdict.ts';
import { storeLocalModel } from '../artifacts/local-model.ts';
import { ModelLoadError } from '../inference/errors.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import type { ModelLoader } from '../serving/model-loader.ts';
import { createLoader, type LoaderDeps } from '../start/loader.ts';
import type { Measurement } from '../start/measurement.ts';
import type { ProbeOutcome } from './calibration-record.ts';
import { measureNetwork, type WindowPlan } from './measure-network.ts';

interface Deps extends LoaderDeps {
  measurement: Measurement;
  meter: PowerMeter;
}

export interface ProbeReading {
  outcome: ProbeOutcome;
  /** Absent when the graph could not be read here. */
  features?: GraphFeatures;
}

export class ProbeBench {
  readonly #deps: Deps;
  readonly #options: { boundary: Boundary; threads: number } & WindowPlan;
  readonly #loader: ModelLoader;

  constructor(options: { boundary: Boundary; threads: number } & WindowPlan, deps: Deps) {
    this.#deps = deps;
    this.#options = options;
    this.#loader = createLoader(deps);
  }

  /** Watts at rest; undefined when the machine was never quiet long enough or the meter does not answer. */
  async idleWatts(signal: AbortSignal): Promise<number | undefined> {
    return (await this.#deps.measurement.baselines.ensure(this.#deps.meter, signal))?.watts;
  }

  async measure(probe: ProbeCandidate, signal: AbortSignal): Promise<ProbeReading> {
    const { store } = this.#deps;
    const about = { name: probe.name, variant: 'probe', peakMemory, runtime: { threads: this.#options.threads } };
    const slot = await storeLocalModel(store, probe.write(), about);
    let features: GraphFeatures;
    try {
      ({ features } = await analyzeGraph(store.path(slot.digest), { signal }));
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      return { outcome: { kind: 'LeftOut', reason: 'LoadFailed', message: error.message } };
    }
    const first = await this.#outcome(slot, signal);
    if (!isFailure(first)) return { features, outcome: first };
    // A Ctrl-C reaches the model's process too, perhaps before this one; and a failure by chance must not stay in the record.
    await this.#deps.clock.sleep(afterFailureMilliseconds, signal);
    return { features, outcome: await this.#outcome(slot, signal) };
  }

  async #outcome(slot: Slot, signal: AbortSignal): Promise<ProbeOutcome> {
    const { clock, meter, board, measurement } = this.#deps;
    const { boundary } = this.#options;
    const baseline = await measurement.baselines.ensure(meter, signal);
    if (!baseline && quantityAt(boundary) === 'Marginal')
      return { kind: 'LeftOut', reason: 'NoIdlePower', message: `the idle power at ${boundary} could not be measured` };
    try {
      const { served } = await this.#loader.load({ namespace: 'local', deployment: 'calibration' }, slot, undefined, signal);
      try {
        const throttled = () => board.telemetry.sample.throttled;
        const temperature = () => board.telemetry.temperature;
        return await measureNetwork(served, this.#options, { clock, meter, boundary, baseline, throttled, temperature }, signal);
      } finally {
        await this.#loader.unload(served, 1);
      }
    } catch (error) {
      if (!(error instanceof ModelLoadError)) throw error;
      return { kind: 'LeftOut', reason: 'LoadFailed', message: error.message };
    }
  }
}

const afterFailureMilliseconds = 1000;

function isFailure(outcome: ProbeOutcome): boolean {
  return outcome.kind === 'LeftOut' && (outcome.reason === 'LoadFailed' || outcome.reason === 'InferenceFailed');
}

/** Probes fill at most 120 MB of weights while they load, from files of kilobytes. */
const peakMemory = '700Mi';
