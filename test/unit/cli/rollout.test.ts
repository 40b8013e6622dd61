import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ClassLine, classLines } from '../../../cli/rollout/classes.ts';
import { formatGitChange, gitChangeFor } from '../../../cli/rollout/git-change.ts';
import { progressOf } from '../../../cli/rollout/progress.ts';
import { stepToPromote } from '../../../cli/rollout/promotion.ts';
import { type RevisionLine, revisionsOf, revisionToRestore } from '../../../cli/rollout/revisions.ts';
import { changesTo, patchOf } from '../../../cli/rollout/spec-changes.ts';
import { criteriaHashOf } from '../../../controller/model-deployment/revision.ts';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import { annotations } from '../../../crds/names.ts';
import type { ControllerRevision } from '../../../kube/api/builtins.ts';
import type { Stored } from '../../../kube/api/objects.ts';

const condition = (type: string, status: 'True' | 'False', reason: string) => ({
  type,
  status,
  reason,
  message: `${reason} it is`,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

function deploymentWith(status: ModelDeployment['status'], more: Partial<ModelDeployment['spec']> = {}): Stored<ModelDeployment> {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: {
      name: 'cell',
      namespace: 'factory',
      uid: 'u',
      resourceVersion: '7',
      generation: 2,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { modelVersionName: 'cell-2', budget: { energyPerInference: '80mJ' }, placement: {}, ...more },
    ...(status === undefined ? {} : { status: { observedGeneration: 2, currentRevision: 'cell-b', ...status } }),
  };
}

const line = (deviceClassName: string, stage: ClassLine['stage'], step = 0): ClassLine => ({
  deviceClassName,
  devices: 1,
  revision: null,
  targetRevision: null,
  step,
  stage,
  verdict: null,
  message: null,
});

describe('the step that promote lets pass', () => {
  it('is the one where something waits, whatever else is tested or rejected', () => {
    expect(stepToPromote([line('a', 'testing', 0), line('b', 'gate', 1), line('c', 'rejected', 2)], undefined)).toBe(1);
    expect(stepToPromote([line('a', 'verdict', 2), line('b', 'gate', 2)], undefined)).toBe(2);
  });

  it('has to be named where classes wait at different steps', () => {
    const lines = [line('a', 'gate', 2), line('b', 'verdict', 0)];
    expect(() => stepToPromote(lines, undefined)).toThrow(
      'classes wait at different steps: a (step 2, gate), b (step 0, verdict)',
    );
    expect(stepToPromote(lines, 0)).toBe(0);
    expect(() => stepToPromote(lines, 1)).toThrow('nothing waits or is tested at step 1');
  });

  it('is not guessed for what is still being tested', () => {
    expect(() => stepToPromote([line('a', 'testing')], undefined)).toThrow('nothing waits for a person; being tested: a');
    expect(stepToPromote([line('a', 'testing')], 0)).toBe(0);
    expect(() => stepToPromote([line('a', 'moving')], undefined)).toThrow('nothing waits for a person');
  });
});

describe('what a class is at', () => {
  const steps = [{ devices: 1, gate: 'Manual' as const }, { percent: 100 }];
  const one = { deviceClassName: 'pi', devices: 2, boundary: 'Board' as const, amounts: [] };
  const deployment = deploymentWith({ classes: [one, { ...one, deviceClassName: 'empty', devices: 0 }] }, { rollout: { steps } });
  const stageWith = (more: object, of = deployment) =>
    classLines(of, {
      startTime: '',
      outcome: 'Progressing',
      handled: [],
      classes: { pi: { criteriaHash: criteriaHashOf(of), look: 1, step: 0, stepTime: '', ...more } },
    }).map(({ deviceClassName, stage }) => `${deviceClassName} ${stage}`);

  it.each([
    ['a batch that is done before a manual gate', { stepDoneTime: '2026-01-01T00:00:00Z' }, 'gate'],
    ['a batch that is done before a step without a gate', { stepDoneTime: '2026-01-01T00:00:00Z', step: 1 }, 'moving'],
    ['an inconclusive verdict', { verdict: 'Inconclusive' }, 'verdict'],
    ['a failure that is frozen', { verdict: 'Failed' }, 'verdict'],
    ['what other criteria said', { verdict: 'Inconclusive', criteriaHash: 'other' }, 'moving'],
  ])('%s', (_, more, stage) => {
    expect(stageWith(more)).toEqual([`pi ${stage}`]);
  });

  it('done, once all is rolled out and the class serves it', () => {
    const conditions = [condition('RolledOut', 'True', 'Succeeded')];
    expect(stageWith({}, deploymentWith({ conditions, classes: [{ ...one, revision: 'cell-b' }] }))).toEqual(['pi done']);
    expect(stageWith({}, deploymentWith({ conditions, classes: [{ ...one, revision: 'cell-a' }] }))).toEqual(['pi moving']);
  });

  it('a rejection holds for its criteria only', () => {
    const rejection = { revision: 'cell-b', deviceClassName: 'pi', reason: 'r', message: 'm', time: '' };
    const rejected = (criteriaHash: string) =>
      deploymentWith({ classes: [one], rejectedRevisions: [{ ...rejection, criteriaHash }] });
    expect(stageWith({}, rejected(criteriaHashOf(deploymentWith(undefined))))).toEqual(['pi rejected']);
    expect(stageWith({}, rejected('other'))).toEqual(['pi moving']);
  });
});

describe('where a rollout stands', () => {
  it.each([
    ['complete', [condition('Ready', 'True', 'Succeeded'), condition('RolledOut', 'True', 'Succeeded')], {}],
    ['waiting', [condition('Ready', 'False', 'AwaitingPromotion'), condition('RolledOut', 'False', 'AwaitingPromotion')], {}],
    ['working', [condition('Ready', 'False', 'Testing'), condition('RolledOut', 'False', 'Testing')], {}],
    ['stalled', [condition('Stalled', 'True', 'RevisionRejected')], {}],
    ['suspended', [condition('Ready', 'True', 'Suspended')], { suspend: true }],
  ])('%s', (standing, conditions, spec) => {
    expect(progressOf(deploymentWith({ conditions }, spec)).standing).toBe(standing);
  });

  it('is unknown before the controller has seen this generation', () => {
    expect(progressOf(deploymentWith({ observedGeneration: 1 }))).toEqual({
      standing: 'working',
      message: 'the controller has not seen this generation yet',
    });
  });
});

describe('what undo goes back to', () => {
  const revision = (
    number: number,
    name: string,
    outcome: string,
    more: Record<string, string> = {},
  ): Stored<ControllerRevision> => ({
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '',
      ownerReferences: [{ apiVersion: '', kind: '', name: 'cell', uid: 'u' }],
      annotations: { [annotations.rolloutState]: JSON.stringify({ startTime: '2026', outcome }), ...more },
    },
    data: { modelVersionName: `model-of-${name}`, runtime: { threads: number } },
    revision: number,
  });
  const rejected = {
    [annotations.rejections]: JSON.stringify([{ criteriaHash: 'c', deviceClassName: 'pi', reason: 'r', message: 'm' }]),
  };
  const lines = (all: Stored<ControllerRevision>[]): RevisionLine[] => revisionsOf(deploymentWith({}), all);

  it('the newest other one that was rolled out whole: not one that was superseded, rolled back or rejected', () => {
    const all = lines([
      revision(1, 'cell-a', 'Succeeded'),
      revision(2, 'cell-c', 'Succeeded'),
      revision(3, 'cell-d', 'Superseded'),
      revision(4, 'cell-e', 'RolledBack', rejected),
      revision(5, 'cell-b', 'Progressing'),
    ]);
    expect(revisionToRestore(all, undefined).name).toBe('cell-c');
    expect(revisionToRestore(all, 3).name).toBe('cell-d');
  });

  it.each([
    [undefined, 'there is no other revision that was rolled out'],
    [9, 'there is no revision 9'],
    [1, 'revision 1 is the current one'],
  ])('to %s: says why not', (number, message) => {
    expect(() => revisionToRestore(lines([revision(1, 'cell-b', 'Succeeded')]), number)).toThrow(message);
  });

  it('changes the model, runtime and serving back, and nothing else, guarded by the version that was read', () => {
    const { spec } = deploymentWith({}, { serving: { http: {} } });
    const [restored] = lines([revision(1, 'cell-a', 'Succeeded')]);
    const changes = changesTo(spec, restored?.fields ?? {});
    expect(changes.map(({ field }) => field)).toEqual(['spec.modelVersionName', 'spec.runtime', 'spec.serving']);
    expect(patchOf(changes, '7')).toEqual([
      { op: 'replace', path: '/metadata/resourceVersion', value: '7' },
      { op: 'add', path: '/spec/modelVersionName', value: 'model-of-cell-a' },
      { op: 'add', path: '/spec/runtime', value: { threads: 1 } },
      { op: 'remove', path: '/spec/serving' },
    ]);
  });

  it('is changed in Git where Flux or Argo CD applies the deployment', async () => {
    const changes = [{ field: 'spec.modelVersionName', from: 'b', to: 'a' }];
    const owned = (metadata: object) => {
      const deployment = deploymentWith({});
      return gitChangeFor({ ...deployment, metadata: { ...deployment.metadata, ...metadata } }, [], changes);
    };
    const flux = { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'gitops' };
    expect((await owned({ labels: flux }))?.owner).toBe('Flux Kustomization gitops/apps');
    const argo = await owned({
      annotations: { 'argocd.argoproj.io/tracking-id': 'shop:jouleops.dev/ModelDeployment:factory/cell' },
    });
    expect(argo && formatGitChange(argo)).toBe(
      'Nothing was changed: Argo CD application shop applies this deployment and would set it back.\nChange this in Git:\n  the manifest that declares it: spec.modelVersionName: b → a',
    );
    expect(await owned({})).toBeUndefined();
  });

  it('is named by its place below the directory that the fleet reads, not by what another one says', async () => {
    const root = await mkdtemp(path.join(os.tmpdir(), 'jouleops-undo-'));
    try {
      const text = 'apiVersion: jouleops.dev/v1alpha1\nkind: ModelDeployment\nmetadata: { name: cell, namespace: factory }\n';
      for (const [directory, spec] of [
        ['blue', 'spec: { modelVersionName: b }\n'],
        ['green', 'spec:\n  modelVersionName: b\n'],
      ] as const) {
        await mkdir(path.join(root, directory));
        await writeFile(path.join(root, directory, 'cell.yaml'), text + spec);
      }
      const metadata = {
        name: 'fleet',
        namespace: 'home',
        uid: 'f',
        resourceVersion: '1',
        creationTimestamp: '2026-01-01T00:00:00Z',
      };
      const inventory = [{ id: 'factory_cell_jouleops.dev_ModelDeployment', version: 'v1alpha1' }];
      const repository = {
        apiVersion: 'jouleops.dev/v1alpha1',
        kind: 'FleetRepository',
        metadata,
        spec: { path: root, directory: 'green' },
        status: { inventory },
      };
      const changes = [{ field: 'spec.modelVersionName', from: 'b', to: 'a' }];
      const change = await gitChangeFor(deploymentWith({}), [repository], changes);
      expect(change).toMatchObject({ file: 'green/cell.yaml', changes: [{ line: 5 }] });
      const once = deploymentWith({});
      const metadataOnce = { ...once.metadata, annotations: { [annotations.ssa]: 'IfNotPresent' } };
      expect(
        await gitChangeFor({ ...once, metadata: metadataOnce }, [repository], changes),
        'nobody sets it back',
      ).toBeUndefined();
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
