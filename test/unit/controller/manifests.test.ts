import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyAll, prune, surplus } from '../../../controller/fleet/apply.ts';
import { readManifests } from '../../../controller/fleet/manifest.ts';
import { readDirectory } from '../../../controller/fleet/sources/directory-source.ts';
import { describeFleet } from '../../../controller/fleet/status.ts';
import type { FleetRepository } from '../../../crds/fleet-repository.ts';
import { ApiError } from '../../../kube/api/api-error.ts';
import type { Stored } from '../../../kube/api/objects.ts';

const deployment = (name: string) =>
  `apiVersion: jouleops.dev/v1alpha1\nkind: ModelDeployment\nmetadata: { name: ${name} }\nspec:\n  modelVersionName: m\n  budget:\n    energyPerInference: 80mJ\n`;
const read = (files: Record<string, string>, rules: { kinds?: string[]; targetNamespace?: string } = {}) =>
  readManifests(
    Object.entries(files).map(([at, text]) => ({ path: at, text })),
    { namespace: 'home', ...rules },
  );

describe('manifests', () => {
  it('are read from several documents, in the namespace of the repository unless they name one', () => {
    const { objects, errors } = read({
      'a.yaml': `${deployment('one')}---\n${deployment('two').replace('name: two', 'name: two, namespace: other')}`,
    });
    expect(errors).toEqual([]);
    expect(objects.map(({ object }) => `${object.metadata.namespace}/${object.metadata.name}`)).toEqual([
      'home/one',
      'other/two',
    ]);
  });

  it('go to the target namespace when there is one, except what has no namespace', () => {
    const { objects } = read(
      { 'a.yaml': `${deployment('one')}---\napiVersion: v1\nkind: Namespace\nmetadata: { name: factory }\n` },
      { targetNamespace: 'there' },
    );
    expect(objects.map(({ object }) => object.metadata.namespace)).toEqual(['there', undefined]);
  });

  it.each([
    ['a syntax error', 'kind: [a\nb: c\n', 2],
    ['a key that comes twice', 'kind: A\nkind: B\n', 2],
    ['no kind', 'apiVersion: v1\nmetadata: { name: a }\n', 1],
    ['no name', 'apiVersion: v1\nkind: Namespace\nmetadata:\n  labels: {}\n', 4],
    ['a list instead of an object', '- a\n- b\n', 1],
    [
      'a kind that is the controller\u2019s own',
      'apiVersion: jouleops.dev/v1alpha1\nkind: ModelInstance\nmetadata: { name: a }\n',
      2,
    ],
    ['a kind that must be allowed', 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n', 2],
    ['an unknown kind', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\n', 2],
  ])('with %s are reported with line and column, and the other files go on', (_, text, line) => {
    const { objects, errors } = read({ 'bad.yaml': text, 'good.yaml': deployment('one') });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ file: 'bad.yaml', line });
    expect(errors[0]?.column).toBeGreaterThan(0);
    expect(objects).toHaveLength(1);
  });

  it('with one bad document hold back their whole file', () => {
    expect(read({ 'a.yaml': `${deployment('one')}---\nkind: x\n` }).objects).toEqual([]);
  });

  it('that declare one object twice are refused in the second file', () => {
    const { objects, errors } = read({ 'a.yaml': deployment('one'), 'b.yaml': deployment('one') });
    expect(objects).toHaveLength(1);
    expect(errors).toMatchObject([
      { file: 'b.yaml', line: 3, message: 'ModelDeployment home/one is declared in a.yaml too: keep one' },
    ]);
  });

  it('that declare one object twice in one file are refused: no inventory holds an object twice', () => {
    const { objects, errors } = read({ 'a.yaml': `${deployment('one')}---\n${deployment('one')}`, 'b.yaml': deployment('two') });
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['two']);
    expect(errors).toMatchObject([
      { file: 'a.yaml', line: 11, column: 19, message: 'ModelDeployment home/one is declared in this file twice: keep one' },
    ]);
  });

  it.each([
    ['that is too long', 'x'.repeat(254)],
    ['with what no name has', 'a_b'],
    ['that leads elsewhere', '../secrets'],
  ])('with a name %s are refused with their place: no status could list them', (_, name) => {
    const { objects, errors } = read({ 'a.yaml': deployment(name), 'b.yaml': deployment('one') });
    expect(objects).toHaveLength(1);
    expect(errors).toMatchObject([
      { file: 'a.yaml', line: 3, column: 19, message: expect.stringContaining('is not a name') as string },
    ]);
    const elsewhere = deployment('one').replace('name: one', `name: one, namespace: ${name}`);
    expect(read({ 'a.yaml': elsewhere }).errors).toMatchObject([
      { message: expect.stringMatching(/^metadata.namespace/) as string },
    ]);
  });

  it('that are all keys are read in seconds, and one that comes twice is found at its place', () => {
    const keys = Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join('\n');
    const started = performance.now();
    expect(read({ 'a.yaml': `${keys}\nk7: 2\n` }).errors).toMatchObject([
      { file: 'a.yaml', line: 60_001, column: 1, message: 'the key k7 comes twice in one mapping: keep one' },
    ]);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('of a hundred thousand documents stop only their file, and a file is not quoted error by error', () => {
    const { objects, errors } = read({
      'a.yaml': 'a\n...\n'.repeat(100_000),
      'b.yaml': '---\nkind: x\n'.repeat(500),
      'c.yaml': deployment('one'),
    });
    expect(objects).toHaveLength(1);
    expect(errors[0]).toMatchObject({ file: 'a.yaml', message: '100000 documents in one file, at most 1000' });
    expect(errors.filter(({ file }) => file === 'b.yaml')).toHaveLength(32);
  });

  it('are not quoted whole in what is said of them', () => {
    const [error] = read({ 'a.yaml': '!'.repeat(100_000) }).errors;
    expect(error).toMatchObject({ file: 'a.yaml', line: 1 });
    expect(error?.message.length).toBeLessThanOrEqual(300);
  });

  it('allow kinds by name', () => {
    expect(
      read({ 'a.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n' }, { kinds: ['Secret'] }).objects,
    ).toHaveLength(1);
    expect(read({ 'a.yaml': deployment('one') }, { kinds: ['Secret'] }).errors).toHaveLength(1);
  });

  it('cannot blow up through aliases', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map((name, index) => `${name}: &${name} [${`*${'abcdefghi'[index]},`.repeat(9)}*${'abcdefghi'[index]}]`)
      .join('\n')}\n`;
    expect(read({ 'bomb.yaml': bomb }).errors).toMatchObject([{ file: 'bomb.yaml' }]);
  });

  it('locate a field of the API server\u2019s complaint', () => {
    const [entry] = read({ 'a.yaml': deployment('one') }).objects;
    expect(entry?.locate('spec.budget.energyPerInference')).toEqual({ line: 7, column: 25 });
    expect(entry?.locate('spec.budget.nothing')).toEqual({ line: 7, column: 5 });
  });
});

describe('a directory', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-fleet-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is read in the order of paths, and its revision changes with its content alone', async () => {
    await mkdir(path.join(directory, 'sub/.git'), { recursive: true });
    await writeFile(path.join(directory, 'sub/b.yaml'), 'b');
    await writeFile(path.join(directory, 'a.yml'), 'a');
    await writeFile(path.join(directory, 'notes.txt'), 'x');
    await writeFile(path.join(directory, 'sub/.git/c.yaml'), 'x');
    const first = await readDirectory(directory);
    expect(first.files.map((file) => file.path)).toEqual(['a.yml', 'sub/b.yaml']);
    await writeFile(path.join(directory, 'notes.txt'), 'y');
    expect((await readDirectory(directory)).revision).toBe(first.revision);
    await writeFile(path.join(directory, 'a.yml'), 'c');
    expect((await readDirectory(directory)).revision).not.toBe(first.revision);
  });

  it('does not follow a symbolic link out of itself', async () => {
    await symlink('/etc/hostname', path.join(directory, 'out.yaml'));
    expect(await readDirectory(directory)).toMatchObject({ files: [], errors: [{ file: 'out.yaml' }] });
  });

  it('is not read for ever because of a pipe', async () => {
    execFileSync('mkfifo', [path.join(directory, 'pipe')]);
    await symlink('pipe', path.join(directory, 'in.yaml'));
    expect((await readDirectory(directory)).errors).toEqual([
      { file: 'in.yaml', message: 'is a symbolic link to something that is no file' },
    ]);
  });

  it('that is missing is named', async () => {
    await expect(readDirectory(path.join(directory, 'nowhere'))).rejects.toThrow('nowhere cannot be read: correct spec.path');
  });
});

describe('the status of a repository', () => {
  const repository: Stored<FleetRepository> = {
    apiVersion: 'v',
    kind: 'FleetRepository',
    metadata: {
      name: 'fleet',
      namespace: 'home',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      generation: 2,
    },
    spec: { path: '/fleet' },
  };
  const inventory = [{ id: 'home_a_jouleops.dev_ModelDeployment', version: 'v1alpha1' }];

  it('adds nothing to its history while an interval changes nothing', () => {
    const applied = { kind: 'applied', revision: 'sha256:1', inventory, errors: [] } as const;
    const first = describeFleet(repository, { ...applied, inventory: [...inventory], errors: [] }, '2026-01-01T00:00:00Z');
    const second = describeFleet(
      { ...repository, status: first },
      { ...applied, inventory: [...inventory], errors: [] },
      '2026-01-01T01:00:00Z',
    );
    expect(second).toEqual(first);
    expect(first.conditions).toMatchObject([{ type: 'Ready', status: 'True', reason: 'ReconciliationSucceeded' }]);
  });

  it('keeps its inventory and last good revision while the source fails', () => {
    const status = { inventory, lastAppliedRevision: 'sha256:1' };
    const failed = describeFleet(
      { ...repository, status },
      { kind: 'failed', reason: 'ArtifactFailed', message: 'gone' },
      '2026-01-01T00:00:00Z',
    );
    expect(failed).toMatchObject({ inventory, lastAppliedRevision: 'sha256:1' });
    expect(failed.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual(['Ready=False', 'Reconciling=True']);
  });

  it('is not Ready while something that is no longer declared cannot be deleted, and says what and why', () => {
    const unpruned = 'ModelDeployment home/b is no longer declared and cannot be deleted: not allowed';
    const status = describeFleet(
      { ...repository, status: { lastAppliedRevision: 'sha256:1' } },
      { kind: 'applied', revision: 'sha256:2', inventory, errors: [], unpruned },
      '2026-01-01T00:00:00Z',
    );
    expect(status).toMatchObject({ lastAppliedRevision: 'sha256:1', lastAttemptedRevision: 'sha256:2' });
    expect(status.history).toMatchObject([{ outcome: 'PartlyApplied', message: unpruned }]);
    expect(status.conditions?.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`)).toEqual([
      'Ready=False PruneFailed',
      'Reconciling=True PruneFailed',
    ]);
  });

  it('can be written though the path of a bad file is longer than a status holds', () => {
    const { errors } = describeFleet(
      repository,
      { kind: 'applied', revision: 'sha256:1', inventory: [], errors: [{ file: `${'d/'.repeat(1500)}a.yaml`, message: 'no' }] },
      '2026-01-01T00:00:00Z',
    );
    expect(errors?.[0]?.file).toHaveLength(1024);
  });

  it('keeps what could not be deleted, and what the server said of it', async () => {
    const live = { apiVersion: 'v', kind: 'ModelDeployment', metadata: { name: 'a', namespace: 'home', uid: 'u' } };
    const refused = new ApiError({ status: 403, reason: 'Forbidden', message: 'fleet cannot delete it' });
    const client = {
      get: () => Promise.resolve(live as never),
      apply: () => Promise.reject(new Error('nothing is applied here')),
      delete: () => Promise.reject(refused),
    };
    const { left, failure } = await prune(
      { client, events: { publish: () => undefined } },
      repository,
      inventory,
      new AbortController().signal,
    );
    expect(left).toEqual(inventory);
    expect(failure).toMatch(
      /^ModelDeployment home\/a is no longer declared and cannot be deleted: .*fleet cannot delete it.*: give that account/,
    );
  });

  it('lists what was applied from here, and not what somebody else has put there: that is not ours to prune', async () => {
    const policy = (name: string, value: string) =>
      deployment(name).replace(`name: ${name}`, `name: ${name}, annotations: { jouleops.dev/ssa: ${value} }`);
    const { objects, errors } = read({
      'own.yaml': deployment('own'),
      'bad.yaml': deployment('bad'),
      'once.yaml': policy('once', 'IfNotPresent'),
      'theirs.yaml': policy('theirs', 'IfNotPresent'),
      'never.yaml': policy('never', 'Ignore'),
      'opted-out.yaml': policy('opted-out', 'Ignore'),
    });
    expect(errors).toEqual([]);
    const missing = new ApiError({ status: 404, reason: 'NotFound', message: 'no' });
    const client = {
      get: (_: unknown, { name }: { name: string }) =>
        name === 'theirs' ? Promise.resolve({} as never) : Promise.reject(missing),
      apply: (_: unknown, { metadata }: { metadata: { name: string } }) =>
        metadata.name === 'bad' ? Promise.reject(new Error('refused')) : Promise.resolve({} as never),
      delete: () => Promise.reject(new Error('nothing is deleted here')),
    };
    const idOf = (name: string) => `home_${name}_jouleops.dev_ModelDeployment`;
    const status = { inventory: [{ id: idOf('opted-out'), version: 'v1alpha1' }] };
    const applied = await applyAll(
      { client, events: { publish: () => undefined } },
      { ...repository, status },
      objects,
      new AbortController().signal,
    );
    expect(applied.inventory.map(({ id }) => id)).toEqual(['own', 'once', 'opted-out'].map(idOf));
    expect(applied.errors).toMatchObject([{ file: 'bad.yaml' }]);
  });

  it('finds what is no longer declared', () => {
    expect(
      surplus(
        [
          { id: 'a', version: '1' },
          { id: 'b', version: '1' },
        ],
        [{ id: 'b', version: '1' }],
      ),
    ).toEqual([{ id: 'a', version: '1' }]);
  });
});
