// What `jouleops plan` says of a cluster is what the controller then does: the same words, the same devices.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifests } from '../../../controller/fleet/manifest.ts';
import { readDirectory } from '../../../controller/fleet/sources/directory-source.ts';
import type { ModelDeploymentStatus } from '../../../crds/model-deployment.ts';
import { fieldManagers } from '../../../crds/names.ts';
import { edgeDevices, fleetRepositories, modelDeployments, modelInstances } from '../../../crds/resources.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import {
  deploymentYaml,
  deviceYaml,
  modelStore,
  namespaceFile,
  nasCellYaml,
  runPlan,
  writeFiles,
} from '../../support/plan/fleet-files.ts';
import { type StubAgent, startStubAgent } from '../../support/stub-agent.ts';

const signal = AbortSignal.timeout(180_000);
const pi = 'raspberry-pi-5-simulated';

interface Planned {
  deployments: {
    name: string;
    change: string;
    after?: { outcome: string; reason: string; message: string; desired: number; placements: { device: string }[] };
  }[];
  problems: string[];
  warnings: string[];
  errors: { message: string }[];
}

describe('a plan against a cluster', () => {
  let plane: TestControlPlane;
  let agents: StubAgent[];
  let directory: string;
  let kubeconfig: string;
  const fleet = () => path.join(directory, 'fleet');

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-plan-live-'));
    plane = await startControlPlane({ modelStoreDirectory: modelStore });
    kubeconfig = path.join(directory, 'kubeconfig');
    await writeFile(kubeconfig, await plane.apiServer.kubeconfig());
    agents = [];
    for (const name of ['pi-1', 'pi-2', 'pi-3']) {
      const joinToken = await plane.controller.mintJoinToken({ validSeconds: 600 });
      const status = { architecture: 'arm64', simulated: true, powerSources: [] };
      // Until the classes that come with the controller are there, nobody can simulate one.
      agents.push(await eventually(() => startStubAgent({ name, joinToken, deviceClassName: pi, status }), 20));
    }
    await eventually(async () => {
      const { items } = await plane.client.list(edgeDevices, { signal });
      expect(
        items.map(({ status }) => `${status?.deviceClassName} ${findCondition(status?.conditions, 'Ready')?.status}`),
      ).toEqual(Array(3).fill(`${pi} True`));
    }, 30);
    await writeFiles(fleet(), {
      '00.yaml': namespaceFile,
      'model.yaml': nasCellYaml('nas-cell-1'),
      // The device itself is in the fleet: a cap that the second model no longer fits under.
      'pi-1.yaml': deviceYaml('pi-1', pi),
      'cell.yaml': deploymentYaml('cell', { placement: 'replicas: 2' }),
      'everywhere.yaml': deploymentYaml('everywhere', { placement: 'mode: EveryDevice' }),
      'refused.yaml': deploymentYaml('refused', { budget: '1mJ' }),
      'short.yaml': deploymentYaml('short', { placement: 'replicas: 4' }),
      'tested.yaml': deploymentYaml('tested', { budget: '7mJ' }),
      'nowhere.yaml': deploymentYaml('nowhere', { placement: 'deviceSelector: { matchLabels: { site: hall-9 } }' }),
    });
  });
  afterAll(async () => {
    for (const agent of agents) await agent.stop();
    await plane.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function plan(...more: string[]): Promise<{ code: number | null; plan: Planned }> {
    const args = ['--files', fleet(), '--kubeconfig', kubeconfig, '--output', 'json', ...more];
    const answer = await runPlan(args, { cacheDirectory: path.join(directory, 'cache'), limitSeconds: 60 });
    expect(answer.stderr).toBe('');
    return { code: answer.code, plan: JSON.parse(answer.stdout) as Planned };
  }

  async function apply(files: Record<string, string>): Promise<void> {
    const { objects, errors } = readManifests(
      Object.entries(files).map(([name, text]) => ({ path: name, text })),
      { namespace: 'default' },
    );
    expect(errors).toEqual([]);
    for (const { kind, object } of objects.sort((a, b) => a.kind.order - b.kind.order))
      await plane.client.apply(kind.resource, object, { signal, fieldManager: fieldManagers.fleet });
  }

  const devicesOf = async (name: string) => {
    const { items } = await plane.client.list(modelInstances, { namespace: 'factory', signal });
    return items
      .filter(({ spec }) => spec.deploymentName === name)
      .map(({ spec }) => spec.deviceName)
      .sort();
  };

  /** What the controller says, in the words of a plan. */
  async function outcomeOf(name: string) {
    const { status = {} } = await plane.client.get(modelDeployments, { namespace: 'factory', name }, { signal });
    const admitted = findCondition(status.conditions, 'BudgetAdmitted');
    expect(admitted?.reason).not.toBe('NotReached');
    return {
      reason: admitted?.reason,
      message: admitted?.message,
      shortfall: shortfallOf(status),
      devices: await devicesOf(name),
    };
  }

  const shortfallOf = ({ conditions }: ModelDeploymentStatus) => {
    const placed = findCondition(conditions, 'Placed');
    return placed?.status === 'False' && placed.reason === 'NoFeasibleDevice' ? placed.message : undefined;
  };

  it('is what the controller then does, word by word', async () => {
    const { code, plan: planned } = await plan();
    expect(code).toBe(3);
    expect(planned.warnings).toEqual([]);
    expect(planned.problems).toEqual(['factory/nowhere', 'factory/refused', 'factory/short']);
    const { files } = await readDirectory(fleet());
    await apply(Object.fromEntries(files.map((file) => [file.path, file.text])));
    expect(planned.deployments).toHaveLength(6);
    for (const { name, change, after } of planned.deployments) {
      expect(change).toBe('Added');
      await eventually(async () => {
        const found = await outcomeOf(name.split('/')[1] ?? '');
        expect(found.devices, name).toEqual(after?.placements.map(({ device }) => device));
        const deciding = after?.outcome === 'Short' ? found.shortfall : found.message;
        expect(deciding, name).toBe(after?.message);
        if (after?.outcome !== 'Short') expect(found.reason, name).toBe(after?.reason);
      }, 60);
    }
  });

  it('of the same files afterwards changes nothing', async () => {
    const { code, plan: planned } = await plan();
    expect([...new Set(planned.deployments.map(({ change }) => change))]).toEqual(['Unchanged']);
    expect(code).toBe(0);
  });

  it('knows what a FleetRepository would prune', async () => {
    const key = { namespace: 'default', name: 'fleet' };
    await plane.client.apply(
      fleetRepositories,
      { metadata: key, spec: { url: 'https://git.example.org/fleet.git', prune: true, suspend: true } },
      { signal, fieldManager: 'test' },
    );
    const ids = ['cell', 'refused'].map((name) => ({ id: `factory_${name}_jouleops.dev_ModelDeployment`, version: 'v1alpha1' }));
    await plane.client.applyStatus(
      fleetRepositories,
      { metadata: key, status: { inventory: ids } },
      { signal, fieldManager: 'test' },
    );
    await rm(path.join(fleet(), 'cell.yaml'));
    await rm(path.join(fleet(), 'tested.yaml'));
    const { plan: planned } = await plan('--repository', 'default/fleet');
    const changes = Object.fromEntries(planned.deployments.map(({ name, change }) => [name, change]));
    expect(changes['factory/cell']).toBe('Removed');
    // It is not in the inventory: somebody else applied it.
    expect(changes['factory/tested']).toBe('Unchanged');
    for (const name of await readdir(fleet())) await rm(path.join(fleet(), name));
    const { code, plan: emptied } = await plan('--repository', 'default/fleet');
    expect(code, 'an emptied directory is taken for a mistake, by the controller too').toBe(3);
    expect([...new Set(emptied.deployments.map(({ change }) => change))]).toEqual(['Unchanged']);
    expect(emptied.errors).toMatchObject([
      { message: expect.stringContaining('2 objects would go: set spec.allowEmpty') as string },
    ]);
  });
});
