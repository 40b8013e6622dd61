// What each image holds is enough to run it: what its stage copies, nothing more.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestsFolder, readManifests } from '../../support/installation/manifests.ts';

const root = path.join(import.meta.dirname, '../../..');
const run = promisify(execFile);

describe('the images', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'jouleops-image-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function linesOf(stage: string): Promise<string[]> {
    const text = await readFile(path.join(root, 'Dockerfile'), 'utf8');
    return (text.split(/^FROM /m).find((part) => part.split('\n', 1)[0]?.endsWith(` AS ${stage}`)) ?? '').split('\n');
  }

  /** The tree of one stage: what it copies from the build's context, and from other stages what `others` makes of it. */
  async function build(stage: string, others: (source: string, target: string) => Promise<void>): Promise<string> {
    const app = path.join(folder, stage);
    for (const line of await linesOf(stage)) {
      const [, from, source = '', target = ''] = /^COPY (--from=\S+ )?(\S+) (\S+)$/.exec(line) ?? [];
      if (source === '') continue;
      if (from === undefined) await cp(path.join(root, source), path.join(app, source), { recursive: true });
      else await others(path.relative('/app', source), path.join(app, target));
    }
    return app;
  }
  const installed = async (source: string, target: string) => {
    await mkdir(path.dirname(target), { recursive: true });
    await symlink(path.join(root, source), target);
  };

  const failureOf = (app: string, args: readonly string[]) =>
    run(process.execPath, ['--no-warnings', ...args], { cwd: app }).then(
      () => expect.fail('it should not have run'),
      (error: { stderr: string }) => error.stderr,
    );

  it('agent: the bundle and the runtime alone get as far as asking for a way to join', async () => {
    const app = await build('agent', async (source, target) => {
      if (source !== 'dist') return installed(source, target);
      await run(process.execPath, ['--no-warnings', 'scripts/bundle.ts', target], { cwd: root });
    });
    const [entry = ''] = /dist\/\S+\.js/.exec((await linesOf('agent')).find((line) => line.startsWith('ENTRYPOINT')) ?? '') ?? [];
    const args = ['agent', '--name', 'board', '--data-dir', path.join(folder, 'data'), '--port', '0'];
    expect(await failureOf(app, [entry, ...args])).toMatch(/jouleops: device board has not joined: pass a join token/);
    expect(await failureOf(app, [entry, 'up'])).toMatch(/a device's part of Jouleops: it has no "up"\n {2}next: run it where/);
    const { stdout } = await run(process.execPath, [entry, '--version'], { cwd: app });
    expect(stdout.trim()).toBe(
      (JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string }).version,
    );
  });

  it('controller: gets as far as asking for a cluster', async () => {
    const app = await build('controller', installed);
    const args = ['cli/jouleops.ts', 'controller', '--kubeconfig', path.join(folder, 'none')];
    expect(await failureOf(app, args)).toMatch(/jouleops: --kubeconfig .*none: there is no such file/);
  });

  it.each(['controller', 'agent'])('%s: knows every flag that its manifest passes', async (part) => {
    const manifests = await readManifests(path.join(manifestsFolder, 'install', `${part}.yaml`));
    const pods = manifests.flatMap(({ object }) => (object as { spec?: { template?: PodTemplate } }).spec?.template ?? []);
    const [command = '', ...flags] = pods[0]?.spec.containers[0]?.args ?? [];
    expect(flags.length).toBeGreaterThan(5);
    const { stdout } = await run(process.execPath, ['--no-warnings', 'cli/jouleops.ts', command, '--help'], { cwd: root });
    for (const flag of flags) expect(stdout).toContain(`${flag.split('=', 1)[0]} `);
  });
});

interface PodTemplate {
  spec: { containers: { args: string[] }[] };
}
