// Asks predictors, and remembers: the same graph on the same kind of device is predicted once.
import type { DeviceClass } from '../../crds/device-class.ts';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { Variant } from '../../crds/model-version.ts';
import type { Boundary, Runtime } from '../../crds/shared.ts';
import { calibratedPrediction } from '../../energy/calibration/calibrated-prediction.ts';
import type { GraphAnalysis } from '../../energy/graph/analysis.ts';
import type { ClassKey, Prediction } from '../../energy/prediction/prediction.ts';
import { type Predictor, predict } from '../../energy/prediction/predictor.ts';
import { quantityAt } from '../../energy/prediction/verdict.ts';
import { parsePower, UnitError } from '../../energy/units.ts';
import { calibrationKey, inForceOf } from '../calibration/stored.ts';
import type { AnalysisSubject } from '../model-version/analysis-store.ts';
import { type Judged, judgeBudget } from './admission.ts';
import { budgetFor } from './budget-question.ts';

export interface EstimatorSources {
  analysisOf(subject: AnalysisSubject): GraphAnalysis | undefined;
  /** Loaded predictors of a class, borrowed ones included. */
  predictorsOf(deviceClassName: string): readonly Predictor[];
  /** The class, and for a simulation the class it simulates. */
  classOf(deviceClassName: string): DeviceClass | undefined;
}

export interface VariantEstimate extends Judged {
  variant: string;
  digest: string;
  boundary: Boundary;
  prediction?: Prediction;
  idleWatts?: number;
}

/** What planning needs of it; tests bring their own. */
export type VariantEstimator = Pick<Estimator, 'estimate'>;

const maximumRemembered = 50_000;

export class Estimator {
  readonly #sources: EstimatorSources;
  readonly #predictions = new Map<string, Prediction | undefined>();
  readonly #numbers = new WeakMap<Predictor, number>();
  #loaded = 0;

  constructor(sources: EstimatorSources) {
    this.#sources = sources;
  }

  /** Judges one variant for one device of a class. */
  estimate(
    deployment: ModelDeployment,
    variant: Pick<Variant, 'name' | 'digest' | 'externalData' | 'dimensions'>,
    device: EdgeDevice,
  ): VariantEstimate {
    const className = device.status?.deviceClassName;
    const question = budgetFor(deployment, className);
    const prediction = this.predict(variant, device, deployment.spec.runtime, question.boundary, question.confidencePercent);
    const idleWatts = this.idleWatts(device, question.boundary);
    const evidence = { ...(prediction === undefined ? {} : { prediction }), ...(idleWatts === undefined ? {} : { idleWatts }) };
    return {
      variant: variant.name,
      digest: variant.digest,
      boundary: question.boundary,
      ...evidence,
      ...judgeBudget(question, evidence),
    };
  }

  /**
   * The prediction at this boundary that fits the device best, with what the class has learned; when the class has none there,
   * one of another boundary, so that the verdict can say BoundaryMismatch.
   */
  predict(
    subject: AnalysisSubject,
    device: EdgeDevice,
    runtime: Runtime | undefined,
    boundary: Boundary,
    confidencePercent: number,
  ): Prediction | undefined {
    const trained = this.predictAsTrained(subject, device, runtime, boundary, confidencePercent);
    const className = device.status?.deviceClassName;
    if (!trained || className === undefined) return undefined;
    const { key, version } = calibrationKey(trained);
    const entries = this.#sources.classOf(className)?.status?.calibration;
    return calibratedPrediction(trained, inForceOf(entries, key, version));
  }

  /** Without what the class has learned: what measurements are compared with. */
  predictAsTrained(
    subject: AnalysisSubject,
    device: EdgeDevice,
    runtime: Runtime | undefined,
    boundary: Boundary,
    confidencePercent: number,
  ): Prediction | undefined {
    const className = device.status?.deviceClassName;
    const analysis = this.#sources.analysisOf(subject);
    if (className === undefined || analysis === undefined) return undefined;
    const predictors = this.#sources.predictorsOf(className);
    if (predictors.length === 0) return undefined;
    const key = deviceKey(device, runtime, analysis);
    const loaded = predictors.map((predictor) => this.#numberOf(predictor));
    const memo = JSON.stringify([subject.digest, subject.dimensions ?? [], loaded, key, boundary, confidencePercent]);
    if (this.#predictions.has(memo)) return this.#predictions.get(memo);
    const options = { confidencePercent, path: analysis.path };
    const made = predictors.map((predictor) => predict(predictor, analysis.features, key, options));
    const best = made.sort((a, b) => rank(a, boundary) - rank(b, boundary))[0];
    if (this.#predictions.size >= maximumRemembered) this.#predictions.clear();
    this.#predictions.set(memo, best);
    return best;
  }

  /** Of this very artifact: a class may come to name another one of the same name and version. */
  #numberOf(predictor: Predictor): number {
    const number = this.#numbers.get(predictor) ?? ++this.#loaded;
    this.#numbers.set(predictor, number);
    return number;
  }

  /** Watts at rest at a boundary: the device's own measurement, else its class's. */
  idleWatts(device: EdgeDevice, boundary: Boundary): number | undefined {
    const own = device.status?.idlePower?.find((reading) => reading.boundary === boundary);
    const measured = own && positiveWatts(own.value);
    if (measured !== undefined) return measured;
    const className = device.status?.deviceClassName;
    let deviceClass = className === undefined ? undefined : this.#sources.classOf(className);
    // A simulation borrows from the class it simulates; one step, so that no loop of names can matter.
    for (let step = 0; step < 2 && deviceClass; step++) {
      const known = deviceClass.spec.idlePower?.find((reading) => reading.boundary === boundary);
      if (known) return parsePower(known.value);
      deviceClass =
        deviceClass.spec.simulatedFrom === undefined ? undefined : this.#sources.classOf(deviceClass.spec.simulatedFrom);
    }
    return undefined;
  }
}

/** A meter with an offset may see nothing of an idle board, or less. That is no power, and must not end a pass over the whole fleet. */
function positiveWatts(text: string): number | undefined {
  try {
    return parsePower(text);
  } catch (error) {
    if (error instanceof UnitError) return undefined;
    throw error;
  }
}

/** What will run the model on this device: the agent's report, with what the deployment and the graph decide. */
function deviceKey(device: EdgeDevice, runtime: Runtime | undefined, analysis: GraphAnalysis): ClassKey {
  const reported = device.status?.classKey ?? {};
  // What a server beside the agent runs on is not what the agent reports: a prediction for the processor is a transferred one there.
  const upstream = runtime?.engine === 'OpenInferenceUpstream' ? `upstream:${runtime.upstreamName ?? ''}` : undefined;
  const provider = upstream ?? runtime?.executionProviders?.[0] ?? reported.executionProvider;
  return {
    ...reported,
    threads: runtime?.threads ?? 1,
    precision: analysis.precision,
    ...(provider === undefined ? {} : { executionProvider: provider }),
  };
}

/** The right boundary and quantity first, then what was made for this device, then what knows such networks. */
function rank(prediction: Prediction, boundary: Boundary): number {
  const comparable = prediction.boundary === boundary && prediction.quantity === quantityAt(boundary);
  return (
    (comparable ? 0 : 1000) +
    (prediction.transferred ? 100 : 0) +
    prediction.mismatches.length * 10 +
    (prediction.inDomain ? 0 : 1)
  );
}
