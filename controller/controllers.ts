// The reconcilers, their queues, and which change wakes which of them.
import type { Logger } from 'pino';
import type { ControllerRevision } from '../kube/api/builtins.ts';
import type { Client } from '../kube/api/client.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import { type Controller, createController } from '../kube/runtime/controller.ts';
import type { EventRecorder } from '../kube/runtime/event-recorder.ts';
import { Expectations } from '../kube/runtime/expectations.ts';
import type { Runnable } from '../kube/runtime/runnables.ts';
import { untilAborted } from '../kube/runtime/until-aborted.ts';
import type { ArtifactOrigin } from './artifacts/source.ts';
import type { ArtifactStore } from './artifacts/store.ts';
import type { Caches } from './caches.ts';
import { EvidenceLog } from './calibration/evidence-log.ts';
import type { PredictorLibrary } from './device-class/predictor-library.ts';
import { createDeviceClassReconciler } from './device-class/reconcile.ts';
import type { LivenessTracker } from './edge-device/liveness.ts';
import { createEdgeDeviceReconciler } from './edge-device/reconcile.ts';
import type { Estimator } from './estimate/estimator.ts';
import { createFleetReconciler } from './fleet/reconcile.ts';
import { DirectoryWatches } from './fleet/sources/watches.ts';
import { HeldWrites } from './held-writes.ts';
import type { ControllerMetrics } from './metrics.ts';
import { createModelDeploymentReconciler } from './model-deployment/reconcile.ts';
import { createModelInstanceReconciler } from './model-instance-conditions.ts';
import type { AnalysisStore } from './model-version/analysis-store.ts';
import { createModelVersionReconciler } from './model-version/reconcile.ts';
import type { CompleteOptions } from './options.ts';
import { OwnWrites } from './own-writes.ts';
import { createPlacementLoop, PlacementResults } from './placement/loop.ts';
import type { SnapshotSources } from './placement/snapshot.ts';
import { type Controllers, connect, wakeDeployment, wakeEverything } from './wake.ts';

export interface ControllersDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
  caches: Caches;
  metrics: ControllerMetrics;
  events: EventRecorder;
  liveness: LivenessTracker;
  artifacts: ArtifactStore;
  analyses: AnalysisStore;
  origins: readonly ArtifactOrigin[];
  library: PredictorLibrary;
  estimator: Estimator;
}

/**
 * Of each kind that a fleet has thousands of. A pass mostly waits for an API server, which answers many calls in about the time of
 * one: it commits them together. More would only queue there.
 */
const passesAtOnce = 32;
/** What people see of a rollout under way is as old as this at most. */
const progressHoldSeconds = 5;
/** Longer than a deployment takes to decide on a candidate that serves, where no test is needed: also while the API server is slow. */
const candidateHoldSeconds = 30;

export function createControllers(
  deps: ControllersDeps,
  options: CompleteOptions,
  /** Nothing decides before: a predictor that is still to be read would look like a class without one. */
  predictorsLoaded: Promise<void>,
): { runnables: Runnable[]; sources: SnapshotSources } {
  const { caches, clock, client, events, estimator, liveness, logger, metrics } = deps;
  const sources: SnapshotSources = {
    deployments: caches.deployments.store,
    instances: caches.instances.store,
    versions: caches.versions.store,
    devices: caches.devices.store,
    classes: caches.classes.store,
    revisions: caches.revisions.store,
    estimator,
    liveness,
  };
  const synced = [...Object.values(caches).map((reflector) => reflector.synced), predictorsLoaded];
  const make = (name: string, workers: number, reconcile: Parameters<typeof createController>[1]['reconcile']) =>
    createController({ clock, logger, metrics: metrics.runtime }, { name, workers, reconcile, synced });
  const results = new PlacementResults((uid) => wakeDeployment(caches, controllers, uid));
  const shared = { client, clock, events };

  const evidence = new EvidenceLog();
  const watches = new DirectoryWatches((key) => controllers.fleet.queue.add(key));

  const controllers: Controllers = {
    versions: make(
      'model-version',
      2,
      createModelVersionReconciler(
        {
          ...shared,
          versions: sources.versions,
          writes: new OwnWrites(),
          artifacts: deps.artifacts,
          origins: deps.origins,
          analyses: deps.analyses,
        },
        {
          maximumArtifactBytes: options.artifacts.maximumBytes,
          ...(options.analysisLimits === undefined ? {} : { analysisLimits: options.analysisLimits }),
        },
      ),
    ),
    deployments: make(
      'model-deployment',
      passesAtOnce,
      createModelDeploymentReconciler({
        ...shared,
        sources: { ...sources, results },
        writes: new OwnWrites(),
        held: new HeldWrites(clock, progressHoldSeconds),
        expectations: {
          revisions: new Expectations<ControllerRevision>({ store: caches.revisions.store, clock }),
          instances: new Expectations({ store: caches.instances.store, clock }),
        },
        onRollback: (reason) => metrics.rolledBack(reason),
      }),
    ),
    instances: make(
      'model-instance',
      passesAtOnce,
      createModelInstanceReconciler({
        ...shared,
        instances: sources.instances,
        devices: sources.devices,
        writes: new OwnWrites(),
        held: new HeldWrites(clock, candidateHoldSeconds),
      }),
    ),
    devices: make(
      'edge-device',
      passesAtOnce,
      createEdgeDeviceReconciler({
        ...shared,
        liveness,
        devices: sources.devices,
        classes: sources.classes,
        instances: sources.instances,
        writes: new OwnWrites(),
      }),
    ),
    classes: make(
      'device-class',
      1,
      createDeviceClassReconciler({
        ...shared,
        classes: sources.classes,
        devices: sources.devices,
        evidence,
        versions: sources.versions,
        estimator,
        library: deps.library,
        writes: new OwnWrites(),
        onPredictorsChanged: () => wakeEverything(caches, controllers),
      }),
    ),
    placement: make(
      'placement',
      1,
      createPlacementLoop({
        ...shared,
        sources,
        results,
        expectations: new Expectations({ store: caches.instances.store, clock }),
      }),
    ),
    fleet: make(
      'fleet-repository',
      // A repository that answers slowly, or not at all, holds up no other one.
      4,
      createFleetReconciler(
        {
          ...shared,
          repositories: caches.repositories.store,
          writes: new OwnWrites(),
          watches,
          metrics: metrics.fleetSyncs,
        },
        options.fleet,
      ),
    ),
  };
  connect({ ...deps, evidence }, controllers);
  return {
    sources,
    runnables: [
      ...Object.entries(controllers).map(([name, controller]: [string, Controller]) => ({
        name,
        run: (signal: AbortSignal) => controller.run(signal),
      })),
      { name: 'fleet watches', run: (signal) => closeWhenDone(watches, signal) },
    ],
  };
}

async function closeWhenDone(watches: DirectoryWatches, signal: AbortSignal): Promise<void> {
  await untilAborted(signal);
  await watches.close();
}
