// What is known of models and classes where a plan is made: files fetched, graphs and predictors read, as the controller does it.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import type { DeviceClass } from '../../crds/device-class.ts';
import type { ModelVersion } from '../../crds/model-version.ts';
import { extractorVersion } from '../../energy/graph/extract/protocol.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { keyOf } from '../../kube/api/resource.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { createHttpsOrigin } from '../artifacts/https-origin.ts';
import { createOciOrigin } from '../artifacts/oci-origin.ts';
import { ArtifactStore } from '../artifacts/store.ts';
import { createStoreOrigin } from '../artifacts/store-origin.ts';
import { PredictorLibrary } from '../device-class/predictor-library.ts';
import { Estimator } from '../estimate/estimator.ts';
import { artifactsOf } from '../model-version/acquire.ts';
import { AnalysisStore } from '../model-version/analysis-store.ts';
import { examineVersion } from '../model-version/examine.ts';
import { describeVersion } from '../model-version/status.ts';

export interface ExaminationOptions {
  /** Files and analyses are kept here, by digest. */
  cacheDirectory: string;
  modelStoreDirectory: string;
  predictorDirectory: string;
  artifacts: {
    quotaBytes: number;
    maximumBytes: number;
    allowedHosts: readonly string[];
    allowPrivateAddresses: boolean;
    certificateAuthority?: string;
  };
}

export interface ExaminationDeps {
  /** Reads the Secrets that sources name. */
  client: Pick<Client, 'get'>;
  clock: Clock;
  logger: Logger;
}

export class ExaminedModels {
  readonly #deps: ExaminationDeps;
  readonly #options: ExaminationOptions;
  readonly #artifacts: ArtifactStore;
  readonly #analyses: AnalysisStore;
  readonly #https: ReturnType<typeof createHttpsOrigin>;
  readonly #origins;
  readonly #library: PredictorLibrary;
  readonly #wanted = new Set<string>();

  private constructor(
    deps: ExaminationDeps,
    options: ExaminationOptions,
    stores: { artifacts: ArtifactStore; analyses: AnalysisStore; wanted: Set<string> },
  ) {
    this.#deps = deps;
    this.#options = options;
    this.#artifacts = stores.artifacts;
    this.#analyses = stores.analyses;
    this.#wanted = stores.wanted;
    this.#https = createHttpsOrigin(options.artifacts);
    this.#origins = [createStoreOrigin(options.modelStoreDirectory), this.#https, createOciOrigin(this.#https)];
    const { predictorDirectory } = options;
    this.#library = new PredictorLibrary({ predictorDirectory, artifacts: this.#artifacts, origins: this.#origins });
  }

  static async open(deps: ExaminationDeps, options: ExaminationOptions): Promise<ExaminedModels> {
    const wanted = new Set<string>();
    await mkdir(options.cacheDirectory, { recursive: true, mode: 0o700 });
    const artifacts = await ArtifactStore.open({
      directory: path.join(options.cacheDirectory, 'artifacts'),
      quotaBytes: options.artifacts.quotaBytes,
      referenced: () => wanted,
    });
    const analyses = await AnalysisStore.open(path.join(options.cacheDirectory, 'analyses'), extractorVersion);
    return new ExaminedModels(deps, options, { artifacts, analyses, wanted });
  }

  /** The version with the status that the controller would write, or the one that it wrote. @returns also what is not known here */
  async examine(
    version: Stored<ModelVersion>,
    signal: AbortSignal,
  ): Promise<{ version: Stored<ModelVersion>; warning?: string }> {
    const { clock, logger } = this.#deps;
    for (const { reference } of artifactsOf(version)) this.#wanted.add(reference.digest);
    const findings = await examineVersion(
      { ...this.#deps, artifacts: this.#artifacts, analyses: this.#analyses, origins: this.#origins },
      { maximumArtifactBytes: this.#options.artifacts.maximumBytes },
      version,
      { signal, logger },
    );
    const status = describeVersion(version, findings, new Date(clock.now()).toISOString());
    const here = findCondition(status.conditions, 'Ready');
    const there = findCondition(version.status?.conditions, 'Ready');
    if (here?.status === 'True' || there?.status !== 'True') return { version: { ...version, status } };
    // The controller has its files, this machine has not: its word counts, and nothing is predicted.
    return {
      version,
      warning: `ModelVersion ${keyOf(version)} is ready on the cluster, but cannot be read here, so nothing is predicted for it: ${here?.message}`,
    };
  }

  /** Reads the predictors that classes name. @returns what could not be read */
  async load(classes: readonly Stored<DeviceClass>[], signal: AbortSignal): Promise<string[]> {
    const failures: string[] = [];
    for (const deviceClass of classes) {
      const { loaded } = await this.#library.load(deviceClass, signal);
      for (const { reference, failure } of loaded)
        if (failure !== undefined) failures.push(`predictor ${reference.name} of ${deviceClass.metadata.name}: ${failure}`);
    }
    return failures;
  }

  estimator(classes: readonly Stored<DeviceClass>[]): Estimator {
    const byName = new Map(classes.map((deviceClass) => [deviceClass.metadata.name, deviceClass]));
    return new Estimator({
      analysisOf: (subject) => this.#analyses.analysisOf(subject),
      predictorsOf: (name) => {
        const own = this.#library.of(name);
        const base = byName.get(name)?.spec.simulatedFrom;
        return own.length > 0 || base === undefined ? own : this.#library.of(base);
      },
      classOf: (name) => byName.get(name),
    });
  }

  close(): Promise<void> {
    return this.#https.close();
  }
}
