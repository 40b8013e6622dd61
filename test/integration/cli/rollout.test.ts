// The command as a person calls it, against the embedded control plane with a real controller.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetRepositories, modelInstances } from '../../../crds/resources.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { jouleops } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { frugal, greedy, type RolloutWorld, startRolloutWorld } from '../../support/rollout-world.ts';

const signal = AbortSignal.timeout(240_000);

/** Five percent more than what serves: nobody can say. */
const atTheMargin = { joules: { value: 0.0315, lower: 0.031, upper: 0.032 } };

interface Status {
  standing: string;
  currentRevision: string;
  classes: { deviceClassName: string; step: number; stage: string; verdict: string | null }[];
}

describe('jouleops rollout', () => {
  let world: RolloutWorld;
  const rollout = (...args: string[]) =>
    jouleops(['rollout', ...args, '-n', world.namespace, '--kubeconfig', world.kubeconfigPath], { limitSeconds: 45 });
  const follow = async (name: string) => {
    const { code, stdout } = await rollout('status', name, '--timeout', '30s', '--output', 'json');
    const status = JSON.parse(stdout) as Status;
    return { code, ...status, stages: status.classes.map(({ step, stage }) => `${stage} ${step}`) };
  };
  const serving = async (name: string) => {
    const { items } = await world.plane.client.list(modelInstances, { namespace: world.namespace, signal });
    return Object.fromEntries(
      items
        .filter(({ spec }) => spec.deploymentName === name)
        .map(({ spec }) => [spec.deviceName, spec.active?.modelVersionName]),
    );
  };

  beforeAll(async () => {
    world = await startRolloutWorld(signal);
    await Promise.all([
      world.join('one'),
      world.join('two'),
      world.join('pi', 'raspberry-pi-5-simulated'),
      world.join('nano', 'jetson-nano-simulated'),
    ]);
    for (const [index, name] of ['cell-1', 'cell-2', 'cell-3'].entries()) await world.release(name, index + 1);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  describe('of a deployment with a manual gate', () => {
    const onTwo = { replicas: 2, deviceClassNames: ['generic-x86-64'] };
    beforeAll(() =>
      world.deploy('gated', {
        modelVersionName: 'cell-1',
        placement: onTwo,
        rollout: { steps: [{ devices: 1, gate: 'Manual' }, { percent: 100 }] },
      }),
    );

    it('status follows it to the gate, and says that it waits for a person', async () => {
      expect(await follow('gated')).toMatchObject({ code: 3, standing: 'waiting', stages: ['gate 0'] });
      const { stdout } = await rollout('status', 'gated', '--no-watch');
      expect(stdout).toMatch(/^waiting: AwaitingPromotion: generic-x86-64: step 0 is done/);
      expect(stdout).toMatch(/^generic-x86-64 +2 +gated-\S+ +gated-\S+ +0 +gate +Successful$/m);
    });

    it('promote refuses a step at which nothing waits, and lets the gate pass', async () => {
      const wrong = await rollout('promote', 'gated', '--step', '4');
      expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining('nothing waits or is tested at step 4') as string });
      const right = await rollout('promote', 'gated');
      expect(right).toMatchObject({ code: 0, stdout: expect.stringMatching(/has taken promote gated-\S+\/0/) as string });
      expect(await follow('gated')).toMatchObject({ code: 0, standing: 'complete' });
      expect(await serving('gated')).toEqual({ one: 'cell-1', two: 'cell-1' });
    });

    it.each(['promote', 'abort'])('%s says that nothing is under way once it is complete', async (verb) => {
      expect(await rollout(verb, 'gated')).toMatchObject({
        code: 3,
        stderr: expect.stringContaining(`there is no rollout under way to ${verb}`) as string,
      });
    });

    it('status ends where a revision is rejected; history says why', async () => {
      world.behaviour = { 'cell-2': greedy };
      await world.ask('gated', { modelVersionName: 'cell-2' });
      expect(await follow('gated')).toMatchObject({ code: 3, standing: 'stalled', stages: ['rejected 0'] });
      const { stdout } = await rollout('history', 'gated');
      expect(stdout).toMatch(/^ +2\* +gated-\S+ +cell-2 +Rejected +\S+Z +generic-x86-64: BudgetExceededMeasured: /m);
      expect(stdout).toMatch(/^ +1 +gated-\S+ +cell-1 +Succeeded /m);
    });

    it('retry tries it again, abort rejects it, and both may be said twice', async () => {
      world.behaviour = {};
      for (const round of ['first', 'second']) {
        expect(await rollout('retry', 'gated'), round).toMatchObject({ code: 0 });
        expect(await follow('gated'), round).toMatchObject({ standing: 'waiting', stages: ['gate 0'] });
        expect(await rollout('abort', 'gated'), round).toMatchObject({ code: 0 });
        expect(await follow('gated'), round).toMatchObject({ code: 3, standing: 'stalled', stages: ['rejected 0'] });
      }
      expect(await rollout('abort', 'gated')).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('is rejected on every class already') as string,
      });
      expect(await serving('gated')).toEqual({ one: 'cell-1', two: 'cell-1' });
      await rollout('retry', 'gated');
      await follow('gated');
      await rollout('promote', 'gated');
      expect(await follow('gated')).toMatchObject({ code: 0 });
      expect(await rollout('retry', 'gated')).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('is not rejected') as string,
      });
    });

    it('undo goes back to the last revision that was rolled out, through its gate, and forth again', async () => {
      for (const [to, from] of [
        ['cell-1', 'cell-2'],
        ['cell-2', 'cell-1'],
      ]) {
        const undone = await rollout('undo', 'gated', '--output', 'json');
        expect(undone, undone.stderr).toMatchObject({ code: 0 });
        expect(JSON.parse(undone.stdout)).toMatchObject({
          changed: true,
          changes: [{ field: 'spec.modelVersionName', from, to }],
        });
        expect(await follow('gated')).toMatchObject({ standing: 'waiting' });
        expect(await rollout('promote', 'gated')).toMatchObject({ code: 0 });
        expect(await follow('gated')).toMatchObject({ code: 0 });
        expect(await serving('gated')).toEqual({ one: to, two: to });
      }
    });

    it('undo gives runtime and serving back too', async () => {
      await world.ask('gated', { runtime: { threads: 2 }, rollout: null });
      await eventually(async () => expect((await follow('gated')).code).toBe(0), 30);
      const { stdout } = await rollout('undo', 'gated');
      expect(stdout).toMatch(/spec\.runtime \{"threads":2\} → \(absent\)/);
      expect((await world.deployment('gated')).spec.runtime).toBeUndefined();
    });
  });

  it('promote and abort work for one class while another is rejected', async () => {
    world.behaviour = { 'cell-2': { pi: atTheMargin, nano: greedy } };
    await world.deploy('mixed', {
      modelVersionName: 'cell-1',
      placement: { replicas: 2, deviceClassNames: ['raspberry-pi-5-simulated', 'jetson-nano-simulated'] },
    });
    expect(await follow('mixed')).toMatchObject({ code: 0 });
    await world.ask('mixed', { modelVersionName: 'cell-2' });
    expect(await follow('mixed')).toMatchObject({ standing: 'stalled', stages: ['rejected 0', 'verdict 0'] });
    expect(await rollout('promote', 'mixed')).toMatchObject({ code: 0 });
    await eventually(async () => expect(await serving('mixed')).toEqual({ pi: 'cell-2', nano: 'cell-1' }), 20);
    expect(await rollout('abort', 'mixed')).toMatchObject({ code: 0 });
    await eventually(async () => expect(await serving('mixed')).toEqual({ pi: 'cell-1', nano: 'cell-1' }), 20);
  });

  it('undo says what to change in Git where a fleet owns the deployment, and changes nothing', async () => {
    world.behaviour = {};
    await using directory = await temporaryDirectory();
    const file = path.join(directory.path, 'owned.yaml');
    const write = (model: string) =>
      writeFile(
        file,
        `apiVersion: jouleops.dev/v1alpha1\nkind: ModelDeployment\nmetadata: { name: owned, namespace: ${world.namespace} }\nspec:\n  modelVersionName: ${model}\n  budget: { energyPerInference: 80mJ }\n  placement: { deviceClassNames: [generic-x86-64] }\n`,
      );
    await write('cell-1');
    await world.plane.client.apply(
      fleetRepositories,
      { metadata: { namespace: 'default', name: 'fleet' }, spec: { path: directory.path, prune: true } },
      { signal, fieldManager: 'test' },
    );
    await eventually(async () => expect((await follow('owned')).code).toBe(0), 30);
    await write('cell-3');
    await eventually(async () => {
      expect(await serving('owned')).toEqual({ [Object.keys(await serving('owned'))[0] ?? '']: 'cell-3' });
      expect(findCondition((await world.deployment('owned')).status?.conditions, 'Ready')?.status).toBe('True');
    }, 30);
    const { code, stdout } = await rollout('undo', 'owned');
    expect(code).toBe(3);
    expect(stdout).toBe(
      [
        'Nothing was changed: FleetRepository default/fleet applies this deployment and would set it back.',
        `Change this in Git (${directory.path}):`,
        '  owned.yaml:5: spec.modelVersionName: cell-3 → cell-1',
        '',
      ].join('\n'),
    );
    expect((await world.deployment('owned')).spec.modelVersionName).toBe('cell-3');
  });

  it.each([
    [['status', 'nobody'], 1, 'there is no ModelDeployment factory/nobody'],
    [['status', 'gated', '--timeout', 'soon'], 2, '--timeout soon is not a time'],
    [['promote', 'gated', '--step', '-1'], 2, '--step -1 is not a whole number of at least 0'],
    [['undo', 'gated', '--to-revision', '99'], 3, 'there is no revision 99'],
    [['history', 'gated', '--output', 'xml'], 2, '--output xml is not known'],
  ])('says what is wrong with %j, exit code %i', async (args, code, text) => {
    expect(await rollout(...args)).toMatchObject({ code, stderr: expect.stringContaining(text) as string });
  });

  it('status ends after its timeout, with exit code 3', async () => {
    world.behaviour = { 'cell-3': { one: frugal } };
    for (const agent of world.agents) agent.fallSilent();
    await eventually(async () => {
      await world.ask('gated', { modelVersionName: 'cell-3' });
      const { code, stdout } = await rollout('status', 'gated', '--timeout', '1s');
      expect(code).toBe(3);
      expect(stdout).toMatch(/^working: /);
    }, 20);
  });
});

async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'jouleops-fleet-'));
  return { path: made, [Symbol.asyncDispose]: () => rm(made, { recursive: true, force: true }) };
}
