import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GitAccess } from '../../../controller/fleet/sources/git/environment.ts';
import { RepositoryCopy } from '../../../controller/fleet/sources/git/repository-copy.ts';
import { GitSource } from '../../../controller/fleet/sources/git-source.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { lacks } from '../../support/git/available.ts';
import { TestRepository } from '../../support/git/repository.ts';

const access: GitAccess = { settings: [], allowFiles: true };
const mebibyte = 2 ** 20;
const { signal } = new AbortController();

describe.skipIf(lacks('git'))('the copies of all Git repositories', () => {
  it('go when their address changes, and when their repository went while nobody looked', async () => {
    const remotes = [await TestRepository.create(), await TestRepository.create()];
    const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-copies-'));
    const kept = () => readdir(directory, { recursive: true }).then((names) => names.filter((name) => name.endsWith('HEAD')));
    try {
      const source = new GitSource(
        { client: { get: () => Promise.reject(new Error('no Secret is named')) }, clock: systemClock },
        { directory, maximumBytes: 64 * mebibyte, allowFiles: true },
      );
      const read = async (name: string, remote: TestRepository | undefined) => {
        await remote?.commit({ 'a.yaml': `a: ${name}\n` });
        const metadata = { name, namespace: 'home', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
        const url = remote?.url ?? '';
        return source.read({ apiVersion: 'v', kind: 'FleetRepository', metadata, spec: { url } }, url, undefined, signal);
      };
      await read('one', remotes[0]);
      await read('two', remotes[0]);
      await read('one', remotes[1]);
      expect(await kept()).toHaveLength(2);
      await source.keepOnly(['home/two']);
      expect(await kept()).toHaveLength(1);
      expect((await read('two', remotes[0])).files).toEqual([{ path: 'a.yaml', text: 'a: two\n' }]);
    } finally {
      for (const remote of remotes) await remote.remove();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe.skipIf(lacks('git'))('a copy of a Git repository', () => {
  let remote: TestRepository;
  let directory: string;
  let copy: RepositoryCopy;
  const read = (more: Partial<Parameters<RepositoryCopy['read']>[0]> = {}) =>
    copy.read({
      url: remote.url,
      ref: undefined,
      directory: undefined,
      access,
      timeoutSeconds: 30,
      maximumBytes: 64 * mebibyte,
      signal: new AbortController().signal,
      ...more,
    });

  beforeEach(async () => {
    remote = await TestRepository.create();
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-copy-'));
    copy = new RepositoryCopy(path.join(directory, 'copy'), systemClock);
    await copy.prepare();
  });
  afterEach(async () => {
    await remote.remove();
    await rm(directory, { recursive: true, force: true });
  });

  it('gives the manifests of the default branch, and names branch and commit', async () => {
    const sha = await remote.commit({ 'a.yaml': 'a: 1\n', 'sub/b.yml': 'b: ü\n', 'README.md': 'no', '.hidden/c.yaml': 'no' });
    expect(await read()).toEqual({
      revision: `main@sha1:${sha}`,
      files: [
        { path: 'a.yaml', text: 'a: 1\n' },
        { path: 'sub/b.yml', text: 'b: ü\n' },
      ],
      errors: [],
    });
  });

  it('reads a branch, a tag that is annotated, or a commit', async () => {
    const first = await remote.commit({ 'a.yaml': 'a: 1\n' });
    await remote.git('tag', '-a', 'v1', '-m', 'one');
    await remote.git('checkout', '--quiet', '-b', 'next');
    const second = await remote.commit({ 'a.yaml': 'a: 2\n' });
    expect(await read({ ref: { tag: 'v1' } })).toMatchObject({ revision: `v1@sha1:${first}`, files: [{ text: 'a: 1\n' }] });
    expect(await read({ ref: { branch: 'next' } })).toMatchObject({
      revision: `next@sha1:${second}`,
      files: [{ text: 'a: 2\n' }],
    });
    expect(await read({ ref: { commit: first } })).toMatchObject({ revision: `sha1:${first}`, files: [{ text: 'a: 1\n' }] });
  });

  it('reads one directory of it, and says when there is none of that name', async () => {
    await remote.commit({ 'fleet/a.yaml': 'a: 1\n', 'fleet-2/b.yaml': 'b: 1\n' });
    expect((await read({ directory: 'fleet/' })).files).toEqual([{ path: 'a.yaml', text: 'a: 1\n' }]);
    await expect(read({ directory: 'flat' })).rejects.toThrow(/no directory flat in [0-9a-f]{12}: correct spec.directory/);
  });

  it('follows a push and a force-push', async () => {
    await remote.commit({ 'a.yaml': 'a: 1\n' });
    await read();
    await remote.commit({ 'a.yaml': 'a: 2\n' });
    expect((await read()).files[0]?.text).toBe('a: 2\n');
    await remote.git('reset', '--quiet', '--hard', 'HEAD~1');
    await remote.git('reflog', 'expire', '--expire=now', '--all');
    const other = await remote.commit({ 'a.yaml': 'a: 3\n' });
    expect(await read()).toMatchObject({ revision: `main@sha1:${other}`, files: [{ text: 'a: 3\n' }] });
  });

  it('says what is wrong when the branch is deleted, or the repository has vanished', async () => {
    await remote.commit({ 'a.yaml': 'a: 1\n' });
    await remote.git('checkout', '--quiet', '-b', 'doomed');
    await read({ ref: { branch: 'doomed' } });
    await remote.git('checkout', '--quiet', 'main');
    await remote.git('branch', '-D', 'doomed');
    await expect(read({ ref: { branch: 'doomed' } })).rejects.toMatchObject({
      reason: 'GitOperationFailed',
      message: expect.stringContaining('has no branch doomed') as string,
    });
    await remote.remove();
    await expect(read()).rejects.toThrow(/there is no repository at file:/);
  });

  it('reads a thousand files', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `d${index % 10}/m${index}.yaml`);
    await remote.commit(Object.fromEntries(names.map((name) => [name, `name: ${name}\n`])));
    const started = performance.now();
    const { files, errors } = await read();
    process.stdout.write(`1,000 files fetched and read in ${Math.round(performance.now() - started)} ms\n`);
    expect(errors).toEqual([]);
    expect(files.map(({ path: at, text }) => text === `name: ${at}\n`)).toEqual(names.map(() => true));
  });

  it('does not follow a symbolic link out of the tree, and follows one within it', async () => {
    await remote.write({ 'fleet/a.yaml': 'a: 1\n', 'secret.yaml': 's: 1\n' });
    await remote.link('fleet/in.yaml', 'a.yaml');
    await remote.link('fleet/passwd.yaml', '/etc/passwd');
    await remote.link('fleet/out.yaml', '../../../../etc/passwd');
    await remote.link('fleet/beside.yaml', '../secret.yaml');
    await remote.commit();
    const { files, errors } = await read({ directory: 'fleet' });
    expect(files.map(({ path: at, text }) => [at, text])).toEqual([
      ['a.yaml', 'a: 1\n'],
      ['in.yaml', 'a: 1\n'],
    ]);
    expect(errors.map(({ file, message }) => [file, message])).toEqual(
      ['beside.yaml', 'out.yaml', 'passwd.yaml'].map((file) => [
        file,
        'is a symbolic link out of the directory: it is not followed',
      ]),
    );
  });

  it('ends the fetch of a repository that is too large, and leaves nothing of it behind', async () => {
    const { randomBytes } = await import('node:crypto');
    await remote.commit({ 'a.yaml': 'a: 1\n', 'model.onnx': randomBytes(24 * mebibyte) });
    await expect(read({ maximumBytes: mebibyte })).rejects.toMatchObject({
      reason: 'StorageOperationFailed',
      message: expect.stringContaining('more than 1 MiB: keep models and data elsewhere') as string,
    });
    expect(await readdir(path.join(directory, 'copy'))).toEqual(['home']);
    expect((await read()).files).toHaveLength(1);
  });

  it('reports a manifest that is too large, and reads the others', async () => {
    await remote.commit({ 'a.yaml': 'a: 1\n', 'big.yaml': 'x'.repeat(mebibyte + 1) });
    expect(await read()).toMatchObject({
      files: [{ path: 'a.yaml' }],
      errors: [{ file: 'big.yaml', message: 'has 1048577 bytes, at most 1048576' }],
    });
  });

  it('names a manifest that lies too deep: silence would have it pruned', async () => {
    const deep = `${'d/'.repeat(17)}a.yaml`;
    await remote.commit({ [deep]: 'a: 1\n', [`${'d/'.repeat(16)}b.yaml`]: 'b: 1\n' });
    const { files, errors } = await read();
    expect(files).toHaveLength(1);
    expect(errors).toEqual([{ file: deep, message: 'lies more than 16 directories deep' }]);
  });

  it('gives up a tree that names itself ten to the ninth times', async () => {
    await remote.commit({ 'a.yaml': 'a: 1\n' });
    let object = await remote.git('rev-parse', 'HEAD:a.yaml');
    let mode = '100644 blob';
    for (let depth = 0; depth < 9; depth++) {
      const lines = Array.from({ length: 10 }, (_, index) => `${mode} ${object}\tf${index}.yaml`).join('\n');
      await remote.write({ tree: `${lines}\n` });
      object = await remote.git('-c', 'alias.m=!git mktree < tree', 'm');
      mode = '040000 tree';
    }
    const bomb = await remote.git('commit-tree', object, '-m', 'bomb');
    await remote.git('update-ref', 'refs/heads/bomb', bomb);
    await expect(read({ ref: { branch: 'bomb' } })).rejects.toThrow(/the repository is too large for a fleet/);
  });

  it('asks for nothing that the configuration of a user or a repository would run', async () => {
    const marker = path.join(directory, 'ran');
    await remote.commit({
      'a.yaml': 'a: 1\n',
      '.gitattributes': '*.yaml filter=evil\n',
      '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch ran"\n',
    });
    await remote.git('config', 'uploadpack.packObjectsHook', `touch ${marker}`);
    expect((await read()).files).toHaveLength(1);
    expect(await readdir(directory)).toEqual(['copy']);
  });

  it('mends itself when its objects are damaged', async () => {
    await remote.commit({ 'a.yaml': 'a: 1\n' });
    await read();
    const packs = path.join(directory, 'copy', 'repository.git', 'objects', 'pack');
    for (const name of await readdir(packs)) await rm(path.join(packs, name), { force: true });
    expect((await read()).files).toEqual([{ path: 'a.yaml', text: 'a: 1\n' }]);
  });

  it.each<[what: string, at: string, content: string | undefined]>([
    ['a fetch that was killed left its lock', 'shallow.lock', ''],
    ['a fetch that was killed left the lock of its reference', 'refs/jouleops/current.lock', ''],
    ['a power cut emptied its reference', 'refs/jouleops/current', ''],
    ['a power cut emptied its HEAD', 'HEAD', ''],
    ['its configuration is damaged', 'config', '\0\0'],
    ['its references are gone', 'refs', undefined],
  ])('mends itself when %s', async (_, at, content) => {
    await remote.commit({ 'a.yaml': 'a: 1\n' });
    await read();
    const damaged = path.join(directory, 'copy', 'repository.git', at);
    if (content === undefined) await rm(damaged, { recursive: true });
    else await writeFile(damaged, content);
    await remote.commit({ 'a.yaml': 'a: 2\n' });
    expect((await read()).files).toEqual([{ path: 'a.yaml', text: 'a: 2\n' }]);
  });

  it('does not speak to what is neither https nor ssh', async () => {
    await expect(read({ url: 'ext::sh -c id' })).rejects.toMatchObject({ reason: 'SourceNotAllowed' });
    await remote.commit({ 'a.yaml': 'a: 1\n' });
    await expect(read({ access: { settings: [], allowFiles: false } })).rejects.toMatchObject({ reason: 'SourceNotAllowed' });
  });
});
