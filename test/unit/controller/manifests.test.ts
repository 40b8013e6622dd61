import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { surplus } from '../../../controller/fleet/apply.ts';
import { readManifests } from '../../../controller/fleet/manifest.ts';
import { readDirectory } from '../../../controller/fleet/sources/directory-source.ts';
import { describeFleet } from '../../../controller/fleet/status.ts';
import type { FleetRepository } from '../../../crds/fleet-repository.ts';
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
