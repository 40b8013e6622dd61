import { describe, expect, it } from 'vitest';
import { describeDeployment, type Standing } from '../../../cli/output/deployment.ts';
import { type Convergence, isSettled } from '../../../cli/up/convergence.ts';
import type { FleetRepository } from '../../../crds/fleet-repository.ts';
import type { ModelDeployment, ModelDeploymentStatus } from '../../../crds/model-deployment.ts';
import type { Stored } from '../../../kube/api/objects.ts';

const condition = (type: string, status: 'True' | 'False' | 'Unknown', reason: string, message = '') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const deployment = (status: ModelDeploymentStatus): ModelDeployment => ({
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'ModelDeployment',
  metadata: { name: 'one', namespace: 'factory', generation: 2 },
  spec: { modelVersionName: 'm', budget: { energyPerInference: '80mJ' }, placement: {} },
  status,
});

describe('a deployment in one line', () => {
  it('is working until the controller has seen this generation', () => {
    const line = describeDeployment(deployment({ observedGeneration: 1, conditions: [condition('Ready', 'True', 'Ready')] }), []);
    expect(line).toMatchObject({ name: 'factory/one', standing: 'working' });
  });

  it('names the first thing that is not yet so', () => {
    const conditions = [
      condition('ModelResolved', 'True', 'Resolved'),
      condition('Placed', 'False', 'NoDevice', '0 of 1 devices'),
    ];
    expect(describeDeployment(deployment({ observedGeneration: 2, conditions }), []).text).toBe('Placed: 0 of 1 devices');
    expect(describeDeployment(deployment({}), []).text).toBe('waiting for the controller');
  });

  it('is refused with reason and message when only a person can help', () => {
    const conditions = [
      condition('Ready', 'False', 'BudgetExceeded'),
      condition('Stalled', 'True', 'BudgetExceeded', 'lower bound 316mJ > budget 100mJ'),
    ];
    expect(describeDeployment(deployment({ observedGeneration: 2, conditions }), [])).toEqual({
      name: 'factory/one',
      standing: 'refused',
      text: 'BudgetExceeded: lower bound 316mJ > budget 100mJ',
    });
  });

  it('says that nothing was measured when nothing was', () => {
    const conditions = [condition('Ready', 'True', 'Ready'), condition('BudgetRespected', 'Unknown', 'NoPowerSource')];
    const { standing, text } = describeDeployment(deployment({ observedGeneration: 2, conditions }), []);
    expect(standing).toBe('ready');
    expect(text).toContain('BudgetRespected Unknown (NoPowerSource)');
  });
});

describe('the fleet is settled', () => {
  const lines = (...standings: Standing[]): Convergence['lines'] =>
    standings.map((standing) => ({ name: 'factory/one', standing, text: '' }));
  const fleet = (status?: 'True' | 'False' | 'Unknown', observedGeneration = 1): Stored<FleetRepository> => ({
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'FleetRepository',
    metadata: { name: 'fleet', namespace: 'default', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '' },
    spec: { path: '/fleet' },
    ...(status === undefined ? {} : { status: { observedGeneration, conditions: [condition('Ready', status, 'X')] } }),
  });

  it.each([
    ['every deployment is ready or refused', lines('ready', 'refused'), fleet('True'), true],
    ['a file of it was refused: that is an answer too', lines('ready'), fleet('False'), true],
    ['one is still working', lines('ready', 'working'), fleet('True'), false],
    ['the directory was not looked at', lines(), undefined, false],
    ['the directory has no status yet', lines(), fleet(), false],
    ['the directory is being looked at', lines(), fleet('Unknown'), false],
    ['the answer is about an older declaration', lines(), fleet('True', 0), false],
  ])('or not: %s', (_, now, repository, settled) => {
    expect(isSettled({ lines: now, fleet: repository }, true)).toBe(settled);
  });

  it('without a directory as soon as nothing works', () => {
    expect(isSettled({ lines: lines(), fleet: undefined }, false)).toBe(true);
    expect(isSettled({ lines: lines('working'), fleet: undefined }, false)).toBe(false);
  });
});
