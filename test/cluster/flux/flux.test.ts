// A fleet delivered by Flux: its Kustomization with `wait: true` speaks for the devices, not for what was applied.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runAgent } from '../../../agent/run.ts';
import type { RunningController } from '../../../controller/run.ts';
import type { CustomResourceDefinition } from '../../../crds/manifests.ts';
import { modelDeployments } from '../../../crds/resources.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import type { Condition, KubeObject } from '../../../kube/api/objects.ts';
import { defineResource } from '../../../kube/api/resource.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { type ArtifactSource, sourceDefinitions, startArtifactSource } from '../../support/flux/artifact-source.ts';
import { findFlux, startKustomizeController } from '../../support/flux/kustomize-controller.ts';
import { type InstalledCluster, startInstalledCluster } from '../../support/installation/installed-cluster.ts';
import { resourceOf } from '../../support/installation/manifests.ts';
import { deploymentYaml, modelStore, nasCellYaml } from '../../support/plan/fleet-files.ts';

interface Kustomization extends KubeObject {
  spec: object;
  status?: { conditions?: Condition[]; lastAppliedRevision?: string; lastAttemptedRevision?: string };
}

const kustomizations = defineResource<Kustomization>({
  group: 'kustomize.toolkit.fluxcd.io',
  version: 'v1',
  kind: 'Kustomization',
  plural: 'kustomizations',
  namespaced: true,
});

const signal = AbortSignal.timeout(400_000);
const flux = await findFlux();
if (flux.kind === 'absent') process.stderr.write(`skipped: ${flux.reason}\n`);
const key = { namespace: 'flux-system', name: 'fleet' };
const onDevices = 'replicas: 1, deviceClassNames: [raspberry-pi-5-simulated]';

describe.skipIf(sharedControlPlane() === undefined || flux.kind === 'absent')('a fleet that Flux delivers', () => {
  let cluster: InstalledCluster;
  let controller: RunningController & { stop(): Promise<void> };
  let kustomizeController: Awaited<ReturnType<typeof startKustomizeController>> | undefined;
  let source: ArtifactSource;
  let folder: string;
  const agent = { stop: new AbortController(), done: Promise.resolve() };

  const get = () => cluster.admin.get(kustomizations, key, { signal });
  const conditionOf = async (type: string) => findCondition((await get()).status?.conditions, type);
  const deployment = (name: string) => cluster.admin.get(modelDeployments, { namespace: 'factory', name }, { signal });
  const namespaceFile = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: factory }\n';
  const files = (more: Record<string, string> = {}) => ({
    'namespace.yaml': namespaceFile,
    'model.yaml': nasCellYaml('nas-cell-1'),
    'cell.yaml': deploymentYaml('cell', { placement: onDevices }),
    ...more,
  });

  beforeAll(async () => {
    if (flux.kind === 'absent') return;
    folder = await mkdtemp(path.join(os.tmpdir(), 'jouleops-flux-test-'));
    cluster = await startInstalledCluster();
    for (const name of ['flux-system', 'factory'])
      await cluster.admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { signal });
    const kustomizationDefinition = parse(await readFile(flux.definition, 'utf8')) as CustomResourceDefinition;
    for (const definition of [...sourceDefinitions(), kustomizationDefinition])
      await cluster.admin.apply(resourceOf(definition), definition, { signal, fieldManager: 'test' });
    await eventually(() => cluster.admin.list(kustomizations, { signal }), 20);
    controller = await cluster.startController({ modelStoreDirectory: modelStore });
    kustomizeController = await startKustomizeController(flux, cluster.plane.kubeconfigPath);
    source = await startArtifactSource(cluster.admin, signal);
  }, 240_000);
  afterAll(async () => {
    agent.stop.abort();
    await agent.done;
    await source.close();
    await kustomizeController?.stop();
    await controller.stop();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function startDevice(): Promise<void> {
    const token = await controller.mintJoinToken({ validSeconds: 600 });
    const ready = Promise.withResolvers<unknown>();
    const options = {
      name: 'pi-1',
      dataDirectory: path.join(folder, 'pi-1'),
      join: { kind: 'JoinToken', token } as const,
      simulate: 'raspberry-pi-5',
      windowSeconds: 0.3,
      heartbeatSeconds: 1,
    };
    const logger = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
    agent.done = runAgent(options, { logger, onReady: ready.resolve }, agent.stop.signal);
    agent.done.catch(ready.reject);
    await ready.promise;
  }

  it('is not Ready for Flux while everything is applied and no device serves', async () => {
    await source.publish(key, files());
    await cluster.admin.apply(
      kustomizations,
      {
        metadata: key,
        spec: {
          interval: '1m',
          retryInterval: '2s',
          timeout: '3m',
          path: './',
          prune: true,
          wait: true,
          sourceRef: { kind: 'GitRepository', name: 'fleet' },
        },
      },
      { signal, fieldManager: 'test' },
    );
    await eventually(async () => {
      const { status } = await deployment('cell');
      expect(findCondition(status?.conditions, 'Ready')?.status).toBe('False');
      expect(findCondition(status?.conditions, 'Reconciling')?.status).toBe('True');
    }, 60);
    const ready = await conditionOf('Ready');
    expect(ready?.status).not.toBe('True');
    expect((await conditionOf('Reconciling'))?.status).toBe('True');
  });

  it('is Ready once a simulated device serves it, and not before', async () => {
    await startDevice();
    await eventually(
      async () => expect(await conditionOf('Ready')).toMatchObject({ status: 'True', reason: 'ReconciliationSucceeded' }),
      90,
    );
    const [ours, theirs] = [findCondition((await deployment('cell')).status?.conditions, 'Ready'), await conditionOf('Ready')];
    expect(ours?.status).toBe('True');
    expect(Date.parse(theirs?.lastTransitionTime ?? '')).toBeGreaterThanOrEqual(
      Date.parse(ours?.lastTransitionTime ?? '') - 1000,
    );
  });

  it('fails for Flux with our reason when a budget refuses it, without waiting for the timeout', async () => {
    const started = performance.now();
    const revision = await source.publish(
      key,
      files({ 'greedy.yaml': deploymentYaml('greedy', { budget: '1mJ', placement: onDevices }) }),
    );
    const ready = await eventually(async () => {
      const { status } = await get();
      expect(status?.lastAttemptedRevision).toBe(revision);
      const found = findCondition(status?.conditions, 'Ready');
      expect(found).toMatchObject({ status: 'False', reason: 'HealthCheckFailed' });
      return found;
    }, 60);
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(`Flux says after ${seconds.toFixed(1)} s: ${ready?.message}\n`);
    // Flux names the object and how it stands; why, with the number that decided, is what the object says.
    expect(ready?.message).toContain("[ModelDeployment/factory/greedy status: 'Failed']");
    const { status } = await deployment('greedy');
    for (const type of ['Ready', 'Stalled'])
      expect(findCondition(status?.conditions, type)).toMatchObject({
        reason: 'BudgetExceededPredicted',
        message: expect.stringMatching(/lower bound .* > budget 1mJ/) as string,
      });
    expect((await get()).status?.lastAppliedRevision).not.toBe(revision);
    expect(seconds).toBeLessThan(30);
  });

  it('is Ready again when Git takes it back, and Flux has pruned it', async () => {
    const revision = await source.publish(key, files());
    await eventually(async () => {
      const { status } = await get();
      expect(status?.lastAppliedRevision).toBe(revision);
      expect(findCondition(status?.conditions, 'Ready')?.status).toBe('True');
    }, 90);
    await expect(deployment('greedy')).rejects.toMatchObject({ status: 404 });
  });
});
