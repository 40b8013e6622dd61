// `jouleops plan` as a CI job runs it: files, commits, exit codes. What it says is held to the controller in controller/plan-live.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../support/git/available.ts';
import { TestRepository } from '../../support/git/repository.ts';
import { deploymentYaml, deviceYaml, namespaceFile, nasCellYaml, runPlan, writeFiles } from '../../support/plan/fleet-files.ts';

const pi = 'raspberry-pi-5-simulated';

interface Planned {
  deployments: {
    name: string;
    change: string;
    before?: { placements: { device: string }[] };
    after?: { outcome: string; reason: string; message: string; placements: { device: string; watts?: { estimate: number } }[] };
  }[];
  energy: { boundary: string; before: { watts: Sum }; after: { watts: Sum }; changeWatts: Sum }[];
  errors: { file: string; line?: number; message: string }[];
  problems: string[];
  warnings: string[];
}
type Sum = { estimate: number; lower: number; upper: number };

describe.skipIf(lacks('git'))('a plan of the command line', () => {
  let directory: string;
  let cacheDirectory: string;
  let repository: TestRepository;
  let devices: string;
  const at = (name: string) => path.join(directory, name);
  const run = (...args: string[]) => runPlan(args, { cacheDirectory, limitSeconds: 60 });
  const planned = async (...args: string[]) => {
    const { code, stdout, stderr } = await run('--devices', devices, '--output', 'json', ...args);
    expect(stderr).toBe('');
    return { code, plan: JSON.parse(stdout) as Planned };
  };
  const of = ({ deployments }: Planned, name: string) => deployments.find((one) => one.name === `factory/${name}`);

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-plan-test-'));
    cacheDirectory = at('cache');
    devices = at('devices.yaml');
    const list = (...names: string[]) => names.map((name) => deviceYaml(name, pi)).join('---\n');
    await writeFiles(directory, { 'devices.yaml': list('pi-1', 'pi-2') });
    repository = await TestRepository.create();
    await repository.commit({
      'fleet/00.yaml': namespaceFile,
      'fleet/model.yaml': nasCellYaml('nas-cell-1'),
      'fleet/stays.yaml': deploymentYaml('stays'),
      'fleet/goes.yaml': deploymentYaml('goes'),
      'other/ignored.yaml': deploymentYaml('ignored'),
    });
    await repository.git('branch', 'before');
  });
  afterAll(async () => {
    await repository.remove();
    await rm(directory, { recursive: true, force: true });
  });

  it('of a directory places by prediction, and ends with 0', async () => {
    const { code, plan } = await planned('--files', path.join(repository.directory, 'fleet'));
    expect(code).toBe(0);
    expect(plan.deployments.map(({ name, change }) => `${name} ${change}`)).toEqual([
      'factory/goes Added',
      'factory/stays Added',
    ]);
    expect(of(plan, 'stays')?.after).toMatchObject({ outcome: 'Admitted', reason: 'WithinBudget' });
    const [energy] = plan.energy;
    expect(energy?.boundary).toBe('CoreRail');
    const each = of(plan, 'stays')?.after?.placements[0]?.watts?.estimate ?? 0;
    expect(each).toBeGreaterThan(0.01);
    expect(energy?.after.watts.estimate).toBeCloseTo(2 * each, 9);
    expect(energy?.after.watts.lower).toBeLessThan(energy?.after.watts.estimate ?? 0);
  });

  it('of two commits says what comes, goes and stays, and what that changes', async () => {
    await repository.git('rm', '--quiet', 'fleet/goes.yaml');
    await repository.commit({ 'fleet/new.yaml': deploymentYaml('new', { budget: '1mJ' }) });
    const args = ['--files', path.join(repository.directory, 'fleet'), '--from', 'before'];
    const { code, plan } = await planned(...args, '--to', 'main');
    expect(code).toBe(3);
    expect(plan.deployments.map(({ name, change }) => `${name} ${change}`)).toEqual([
      'factory/goes Removed',
      'factory/new Added',
      'factory/stays Unchanged',
    ]);
    expect(plan.problems).toEqual(['factory/new']);
    expect(of(plan, 'new')?.after?.message).toMatch(/lower bound [\d.]+mJ > budget 1mJ/);
    const [energy] = plan.energy;
    expect(energy?.changeWatts.estimate).toBeCloseTo(
      (energy?.after.watts.estimate ?? 0) - (energy?.before.watts.estimate ?? 0),
      12,
    );
    expect(energy?.changeWatts.estimate).toBeLessThan(0);
    const comment = await run('--devices', devices, '--output', 'markdown', ...args);
    expect(comment.stdout).toContain('<!-- jouleops plan -->');
    expect(comment.stdout).toContain('| + | factory/new | refused |');
  });

  it('names file, line and column of what cannot be applied, and keeps the rest', async () => {
    const files = path.join(repository.directory, 'fleet');
    await repository.write({ 'fleet/stays.yaml': deploymentYaml('stays', { budget: '80' }), 'fleet/cut.yaml': 'a: [\n' });
    const { code, plan } = await planned('--files', files, '--from', 'main');
    await repository.git('checkout', '--quiet', '--', '.');
    await rm(path.join(files, 'cut.yaml'));
    expect(code).toBe(3);
    expect(plan.errors).toMatchObject([
      { file: 'cut.yaml', line: 2 },
      { file: 'stays.yaml', line: 6 },
    ]);
    expect(of(plan, 'stays')).toMatchObject({ change: 'Unchanged', after: { outcome: 'Admitted' } });
  });

  it('tells a model whose bytes are not those of its digest', async () => {
    const files = at('wrong');
    await writeFiles(files, {
      'a.yaml': nasCellYaml('nas-cell-1', `sha256:${'b'.repeat(64)}`),
      'b.yaml': deploymentYaml('cell'),
    });
    const { code, plan } = await planned('--files', files);
    expect(code).toBe(3);
    expect(of(plan, 'cell')?.after).toMatchObject({ outcome: 'Unresolved', reason: 'DigestMismatch' });
  });

  it('reads devices as kubectl prints them, with what their agents have said', async () => {
    const ready = (status: string) =>
      `status:\n    allocatable: { memory: 64Ki }\n    conditions: [{ type: Ready, status: '${status}', reason: AgentReady, message: '', lastTransitionTime: '2026-11-21T00:00:00Z' }]\n`;
    const item = (name: string, status: string) =>
      `- apiVersion: jouleops.dev/v1alpha1\n  kind: EdgeDevice\n  metadata: { name: ${name} }\n  spec: { deviceClassName: ${pi} }\n  ${ready(status)}`;
    await writeFiles(directory, {
      'list.yaml': `apiVersion: v1\nkind: List\nitems:\n${item('small', 'True')}${item('off', 'False')}`,
    });
    const files = path.join(repository.directory, 'fleet');
    const { code, stdout } = await run('--devices', at('list.yaml'), '--output', 'text', '--files', files);
    expect(code).toBe(3);
    expect(stdout).toMatch(/small: InsufficientMemory, needs [\d.]+\w* ?, .* is free|small: InsufficientMemory, needs/);
    expect(stdout).toContain('off: NotReady');
  });

  it.each([
    [['--files', 'nowhere', '--devices', 'DEVICES'], 2, '--files nowhere: there is no such directory'],
    [['--files', 'FLEET'], 1, 'there is no device to plan for'],
    [['--files', 'FLEET', '--devices', 'DEVICES', '--from', 'nothing'], 1, 'nothing names no commit of this repository'],
    [['--files', 'FLEET', '--devices', 'DEVICES', '--output', 'xml'], 2, '--output xml is not known'],
    [['--files', 'FLEET', '--devices', 'DEVICES', '--max-increase', 'much'], 2, '--max-increase much is not a percentage'],
    [['--files', 'FLEET', '--devices', 'DEVICES', '--live'], 2, '--devices and a cluster exclude each other'],
  ])('%j ends with %i and says why', async (args, expected, message) => {
    const places: Record<string, string> = { FLEET: path.join(repository.directory, 'fleet'), DEVICES: devices };
    const { code, stderr } = await run(...args.map((word) => places[word] ?? word));
    expect(stderr).toContain(message);
    expect(stderr).toContain('next:');
    expect(code).toBe(expected);
  });
});
