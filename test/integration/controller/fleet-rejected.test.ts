// A revision that failed on its devices, in a fleet that Git goes on declaring: one story, as its conditions, events and history tell it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { annotations } from '../../../crds/names.ts';
import { fleetRepositories, modelDeployments, modelInstances } from '../../../crds/resources.ts';
import { events } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { eventually } from '../../support/eventually.ts';
import { type Factory, smallModel, startFactory } from '../../support/factory.ts';
import { lacks } from '../../support/git/available.ts';
import { TestRepository } from '../../support/git/repository.ts';
import type { StubModel } from '../../support/stub-agent.ts';

const signal = AbortSignal.timeout(240_000);
const namespace = 'factory';
const uses = (joules: number): StubModel => ({ joules: { value: joules, lower: joules * 0.97, upper: joules * 1.03 } });
const key = { namespace: 'default', name: 'fleet' };

describe.skipIf(lacks('git'))('a revision that failed, in a fleet that Git goes on declaring', () => {
  let factory: Factory;
  let remote: TestRepository;
  const digests = new Map<string, string>();
  let behaviour: Record<string, StubModel> = {};
  let asked = 0;

  const model = (name: string) =>
    `apiVersion: jouleops.dev/v1alpha1\nkind: ModelVersion\nmetadata: { name: ${name}, namespace: factory }\nspec:\n  family: cell\n  version: 1.0.0\n  variants: [{ name: fp32, digest: '${digests.get(name)}', sources: [{ uri: 'store://${name}' }] }]\n`;
  const cell = (version: string, more: { budget?: string; replicas?: number; annotation?: string; rollout?: string } = {}) =>
    `apiVersion: jouleops.dev/v1alpha1\nkind: ModelDeployment\nmetadata: { name: cell, namespace: factory${more.annotation === undefined ? '' : `, annotations: { ${more.annotation} }`} }\nspec:\n  modelVersionName: ${version}\n  budget: { energyPerInference: ${more.budget ?? '80mJ'} }\n  placement: { replicas: ${more.replicas ?? 1} }\n  rollout: { ${more.rollout ?? ''} }\n`;

  const deployment = () => factory.plane.client.get(modelDeployments, { namespace, name: 'cell' }, { signal });
  const slots = async () => {
    const { items } = await factory.plane.client.list(modelInstances, { namespace, signal });
    return items.flatMap(({ spec }) => [spec.active?.modelVersionName, spec.candidate?.modelVersionName]).filter(Boolean);
  };
  const becomes = (type: string, status: string, reason: string) =>
    eventually(async () => {
      const { status: is, metadata } = await deployment();
      expect(is?.observedGeneration).toBe(metadata.generation);
      expect(findCondition(is?.conditions, type), JSON.stringify(is?.conditions, undefined, 1)).toMatchObject({ status, reason });
    }, 30);
  /** A commit, and a pass over the fleet that has applied it. */
  async function push(files: Record<string, string> = {}): Promise<void> {
    await remote.commit(files);
    const value = `ask-${++asked}`;
    await factory.plane.client.patch(
      fleetRepositories,
      key,
      { kind: 'merge', body: { metadata: { annotations: { [annotations.requestedAt]: value } } } },
      { signal, fieldManager: 'test' },
    );
    await eventually(async () => {
      const { status } = await factory.plane.client.get(fleetRepositories, key, { signal });
      expect(status?.lastHandledReconcileAt).toBe(value);
      expect(findCondition(status?.conditions, 'Ready')?.status).toBe('True');
    }, 20);
  }

  beforeAll(async () => {
    factory = await startFactory({
      agents: [
        {
          name: 'one',
          status: { architecture: 'x64', powerSources: [{ name: 'meter', kind: 'hwmon', boundary: 'Board' }] },
          behave: (slot) => behaviour[slot.modelVersionName] ?? uses(0.03),
        },
      ],
      controller: { fleet: { allowPaths: true } },
    });
    for (const [name, seed] of [
      ['cell-1', 1],
      ['cell-2', 2],
    ] as const)
      digests.set(name, await factory.store(name, smallModel(seed)));
    remote = await TestRepository.create();
    await remote.commit({ 'cell.yaml': cell('cell-1'), 'models/1.yaml': model('cell-1'), 'models/2.yaml': model('cell-2') });
    await factory.plane.client.apply(
      fleetRepositories,
      { metadata: key, spec: { url: remote.url, prune: true, intervalSeconds: 3600 } },
      { signal, fieldManager: 'test' },
    );
    await becomes('Ready', 'True', 'Succeeded');
  });
  afterAll(async () => {
    await factory.close();
    await remote.remove();
  });

  it('is rejected by measurement, and its story is told by condition, event and history', async () => {
    behaviour = { 'cell-2': uses(0.12) };
    await push({ 'cell.yaml': cell('cell-2') });
    await becomes('Stalled', 'True', 'RevisionRejected');
    await becomes('Available', 'True', 'Succeeded');
    expect(await slots()).toEqual(['cell-1']);
    const { status } = await deployment();
    expect(findCondition(status?.conditions, 'Ready')?.message).toMatch(
      /was rejected: generic-x86-64: .*120mJ .*80mJ; change the model, the budget, or set the annotation jouleops\.dev\/retry to cell-/,
    );
    expect(status?.history?.[0]).toMatchObject({ modelVersionName: 'cell-2', outcome: 'Rejected' });
    expect(status?.rejectedRevisions).toMatchObject([{ deviceClassName: 'generic-x86-64', reason: 'BudgetExceededMeasured' }]);
    await eventually(async () => {
      const { items } = await factory.plane.client.list(events, { namespace, signal });
      const told = items.filter(({ regarding, type }) => regarding?.name === 'cell' && type === 'Warning');
      expect(told.map(({ reason }) => reason)).toContain('BudgetExceededMeasured');
      expect(told.find(({ reason }) => reason === 'BudgetExceededMeasured')?.note).toMatch(
        /is rejected on generic-x86-64: .*120mJ/,
      );
    });
  });

  it('is not brought back by Git that says it again, nor by what has nothing to do with the verdict', async () => {
    const rejected = (await deployment()).status?.currentRevision;
    const seen = new Set<string>();
    const watching = new AbortController();
    const watch = (async () => {
      while (!watching.signal.aborted) {
        for (const slot of await slots()) seen.add(String(slot));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await push();
    await push({ 'README.md': 'nothing' });
    await push({ 'cell.yaml': cell('cell-2', { replicas: 2 }) });
    await push({ 'cell.yaml': cell('cell-2') });
    // Somebody goes back in Git, and Git says the bad one once more.
    await push({ 'cell.yaml': cell('cell-1') });
    await becomes('Ready', 'True', 'Succeeded');
    await push({ 'cell.yaml': cell('cell-2') });
    await becomes('Stalled', 'True', 'RevisionRejected');
    watching.abort();
    await watch;
    expect((await deployment()).status?.currentRevision).toBe(rejected);
    expect([...seen]).toEqual(['cell-1']);
  });

  it('comes back by the retry annotation, once, and is rejected again when it measures the same', async () => {
    const revision = (await deployment()).status?.currentRevision ?? '';
    const before = (await deployment()).status?.rejectedRevisions?.[0]?.time ?? '';
    await push({ 'cell.yaml': cell('cell-2', { annotation: `${annotations.retry}: '${revision}'` }) });
    await eventually(async () => {
      const { status } = await deployment();
      expect(status?.lastHandledCommand).toBe(`retry=${revision}`);
      const again = status?.rejectedRevisions?.[0]?.time ?? '';
      expect(again > before).toBe(true);
    }, 30);
    await becomes('Stalled', 'True', 'RevisionRejected');
    // The annotation is still in Git: it was consumed.
    const settled = (await deployment()).status?.rejectedRevisions?.[0]?.time;
    await push({ 'README.md': 'still nothing' });
    expect((await deployment()).status?.rejectedRevisions?.[0]?.time).toBe(settled);
    expect(await slots()).toEqual(['cell-1']);
  });

  it('comes back by a new spec: other criteria are another question', async () => {
    await push({ 'cell.yaml': cell('cell-2', { budget: '200mJ', rollout: 'analysis: { energyMarginPercent: 400 }' }) });
    await becomes('Ready', 'True', 'Succeeded');
    expect(await slots()).toEqual(['cell-2']);
    expect((await deployment()).status?.history?.[0]).toMatchObject({ modelVersionName: 'cell-2', outcome: 'Succeeded' });
  });

  it('is rolled back by a breach after its promotion, and Git, which still says it, does not bring it back', async () => {
    behaviour = { 'cell-2': uses(0.5) };
    await factory.agents[0]?.refresh();
    await becomes('Stalled', 'True', 'RevisionRejected');
    await eventually(async () => expect(await slots()).toEqual(['cell-1']), 20);
    await becomes('Available', 'True', 'Succeeded');
    expect((await deployment()).status?.history?.[0]).toMatchObject({ modelVersionName: 'cell-2', outcome: 'RolledBack' });
    expect(findCondition((await deployment()).status?.conditions, 'BudgetRespected')?.reason).toBe('RolledBack');
    await eventually(async () => {
      const { items } = await factory.plane.client.list(events, { namespace, signal });
      expect(items.filter(({ regarding }) => regarding?.name === 'cell').map(({ reason }) => reason)).toContain('RolledBack');
    });
    await push({ 'README.md': 'again' });
    await push();
    await becomes('Stalled', 'True', 'RevisionRejected');
    expect(await slots()).toEqual(['cell-1']);
  });
});
