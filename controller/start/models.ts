// Models and predictors: where their bytes come from and are kept, what was read of them, what they would cost.
import path from 'node:path';
import { extractorVersion } from '../../energy/graph/extract/protocol.ts';
import { createHttpsOrigin } from '../artifacts/https-origin.ts';
import { createOciOrigin } from '../artifacts/oci-origin.ts';
import type { ArtifactOrigin } from '../artifacts/source.ts';
import { ArtifactStore } from '../artifacts/store.ts';
import { createStoreOrigin } from '../artifacts/store-origin.ts';
import type { Caches } from '../caches.ts';
import { PredictorLibrary } from '../device-class/predictor-library.ts';
import { Estimator } from '../estimate/estimator.ts';
import { artifactsOf } from '../model-version/acquire.ts';
import { AnalysisStore } from '../model-version/analysis-store.ts';
import type { CompleteOptions } from '../options.ts';

export interface Models {
  artifacts: ArtifactStore;
  analyses: AnalysisStore;
  origins: readonly ArtifactOrigin[];
  library: PredictorLibrary;
  estimator: Estimator;
  close(): Promise<void>;
}

export async function openModels(options: CompleteOptions, caches: Caches): Promise<Models> {
  const referenced = () => referencedDigests(caches);
  const artifacts = await ArtifactStore.open({
    directory: path.join(options.dataDirectory, 'artifacts'),
    quotaBytes: options.artifacts.quotaBytes,
    referenced,
  });
  const analyses = await AnalysisStore.open(path.join(options.dataDirectory, 'analyses'), extractorVersion, { referenced });
  const https = createHttpsOrigin(options.artifacts);
  const origins = [createStoreOrigin(options.modelStoreDirectory), https, createOciOrigin(https)];
  const library = new PredictorLibrary({ predictorDirectory: options.predictorDirectory, artifacts, origins });
  const estimator = new Estimator({
    analysisOf: (subject) => analyses.analysisOf(subject),
    predictorsOf: (className) => {
      const own = library.of(className);
      const base = caches.classes.store.get(className)?.spec.simulatedFrom;
      return own.length > 0 || base === undefined ? own : library.of(base);
    },
    classOf: (className) => caches.classes.store.get(className),
  });
  return { artifacts, analyses, origins, library, estimator, close: () => https.close() };
}

/** What some ModelVersion or DeviceClass still names must not be evicted. */
function referencedDigests(caches: Caches): Set<string> {
  const digests = new Set<string>();
  for (const version of caches.versions.store.list())
    for (const { reference } of artifactsOf(version)) digests.add(reference.digest);
  for (const deviceClass of caches.classes.store.list())
    for (const { digest } of deviceClass.spec.predictors ?? []) digests.add(digest);
  return digests;
}
