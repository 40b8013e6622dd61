// A FleetRepository over Git, with a real repository, the real controller and the embedded API server.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetRepository } from '../../../crds/fleet-repository.ts';
import { fleetRepositories, modelDeployments } from '../../../crds/resources.ts';
import { isNotFound } from '../../../kube/api/api-error.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { lacks } from '../../support/git/available.ts';
import { TestRepository } from '../../support/git/repository.ts';

const signal = new AbortController().signal;
const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: factory }\n';
const deployment = (name: string, budget = '80mJ') =>
  `apiVersion: jouleops.dev/v1alpha1\nkind: ModelDeployment\nmetadata: { name: ${name}, namespace: factory }\nspec:\n  modelVersionName: m\n  budget:\n    energyPerInference: ${budget}\n  placement: {}\n`;

describe.skipIf(lacks('git'))('a fleet in Git', () => {
  let plane: TestControlPlane;
  let remote: TestRepository;
  let asked = 0;
  const key = { namespace: 'default', name: 'fleet' };
  const repository = () => plane.client.get(fleetRepositories, key, { signal });
  const get = (name: string) => plane.client.get(modelDeployments, { namespace: 'factory', name }, { signal });
  const patch = (body: Record<string, unknown>) =>
    plane.client.patch(fleetRepositories, key, { kind: 'merge', body }, { signal, fieldManager: 'test' });
  /** Asks for a pass and waits until it is done. */
  async function reconciled(): Promise<Stored<FleetRepository>> {
    const value = `ask-${++asked}`;
    await patch({ metadata: { annotations: { 'jouleops.dev/requestedAt': value } } });
    return eventually(async () => {
      const found = await repository();
      expect(found.status?.lastHandledReconcileAt).toBe(value);
      return found;
    }, 20);
  }

  beforeAll(async () => {
    remote = await TestRepository.create();
    await remote.commit({ '00.yaml': namespace, 'one.yaml': deployment('one') });
    plane = await startControlPlane({ fleet: { allowPaths: true, maximumGitBytes: 2 ** 25 } });
    await plane.client.apply(
      fleetRepositories,
      { metadata: key, spec: { url: remote.url, prune: true, intervalSeconds: 3600 } },
      { signal, fieldManager: 'test' },
    );
  });
  afterAll(async () => {
    await plane.close();
    await remote.remove();
  });

  it('is applied, and its revision names branch and commit', async () => {
    const sha = await remote.git('rev-parse', 'HEAD');
    const { status } = await eventually(async () => {
      const found = await repository();
      expect(findCondition(found.status?.conditions, 'Ready')).toMatchObject({
        status: 'True',
        reason: 'ReconciliationSucceeded',
        message: `applied 2 objects of main@sha1:${sha.slice(0, 12)}`,
      });
      return found;
    });
    expect(status).toMatchObject({ lastAppliedRevision: `main@sha1:${sha}`, lastAttemptedRevision: `main@sha1:${sha}` });
    expect((await get('one')).spec.budget.energyPerInference).toBe('80mJ');
  });

  it('reports a broken file with line and column, and applies the others of the same commit', async () => {
    const good = (await repository()).status?.lastAppliedRevision;
    const sha = await remote.commit({ 'one.yaml': deployment('one', '80'), 'two.yaml': deployment('two') });
    const { status } = await reconciled();
    expect(status?.errors).toMatchObject([{ file: 'one.yaml', line: 7, column: 25 }]);
    expect(status).toMatchObject({ lastAppliedRevision: good, lastAttemptedRevision: `main@sha1:${sha}` });
    expect(status?.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual(['Ready=False', 'Stalled=True']);
    expect((await get('two')).metadata.name).toBe('two');
    expect((await get('one')).spec.budget.energyPerInference).toBe('80mJ');
  });

  it('prunes what a commit takes away', async () => {
    await remote.git('rm', '--quiet', 'two.yaml');
    await remote.commit({ 'one.yaml': deployment('one', '70mJ') });
    const { status } = await reconciled();
    expect(findCondition(status?.conditions, 'Ready')?.status).toBe('True');
    await expect(get('two')).rejects.toSatisfy(isNotFound);
    expect((await get('one')).spec.budget.energyPerInference).toBe('70mJ');
  });

  it('holds back a YAML bomb and brackets without end, and nothing else', async () => {
    const bomb = 'abcdefghi'
      .split('')
      .map(
        (name, index, all) =>
          `${name}: &${name} [${Array(9)
            .fill(index === 0 ? 'x' : `*${all[index - 1]}`)
            .join(', ')}]`,
      )
      .join('\n');
    await remote.commit({
      'bomb.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bomb }\n${bomb}\n`,
      'deep.yaml': `${'['.repeat(100_000)}\n`,
      'one.yaml': deployment('one', '65mJ'),
    });
    const { status } = await reconciled();
    expect(status?.errors?.map(({ file }) => file).sort()).toEqual(['bomb.yaml', 'deep.yaml']);
    expect((await get('one')).spec.budget.energyPerInference).toBe('65mJ');
    await remote.git('rm', '--quiet', 'bomb.yaml', 'deep.yaml');
    await remote.commit();
    expect(findCondition((await reconciled()).status?.conditions, 'Ready')?.status).toBe('True');
  });

  it('keeps what it applied while the branch is gone, and goes on when it is back', async () => {
    const before = (await repository()).status;
    await patch({ spec: { ref: { branch: 'release' } } });
    await eventually(async () => {
      const { status } = await repository();
      expect(findCondition(status?.conditions, 'Ready')).toMatchObject({
        status: 'False',
        reason: 'GitOperationFailed',
        message: expect.stringContaining('has no branch release') as string,
      });
      expect(findCondition(status?.conditions, 'Reconciling')?.status).toBe('True');
      expect(status?.inventory).toEqual(before?.inventory);
    });
    expect((await get('one')).metadata.name).toBe('one');
    await remote.git('branch', 'release');
    expect((await reconciled()).status?.lastAppliedRevision).toMatch(/^release@sha1:/);
    await patch({ spec: { ref: null } });
  });

  it('applies a thousand files, a broken one among them', async () => {
    const files = Array.from({ length: 1000 }, (_, index) => [`many/m${index}.yaml`, deployment(`m${index}`)]);
    await remote.commit({ ...Object.fromEntries(files), 'many/broken.yaml': 'a: [\n' });
    const started = performance.now();
    const { status } = await reconciled();
    process.stdout.write(`1,001 files applied in ${Math.round(performance.now() - started)} ms\n`);
    expect(status?.errors).toMatchObject([{ file: 'many/broken.yaml', line: 2 }]);
    expect(status?.inventory).toHaveLength(1002);
    expect((await get('m999')).metadata.name).toBe('m999');
  });

  it('says that the repository has vanished, and takes nothing away', async () => {
    await remote.remove();
    const { status } = await reconciled();
    expect(findCondition(status?.conditions, 'Ready')?.message).toContain('there is no repository at');
    expect(status?.inventory).toHaveLength(1002);
    expect((await get('m999')).metadata.name).toBe('m999');
  });
});
