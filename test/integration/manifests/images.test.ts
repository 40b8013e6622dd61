// What each image holds is enough to run it: the folders that its stage copies, nothing more.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
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

  /** The tree of one stage, with this installation's node_modules. */
  async function build(stage: string): Promise<string> {
    const text = await readFile(path.join(root, 'Dockerfile'), 'utf8');
    const lines = (text.split(/^FROM /m).find((part) => part.split('\n', 1)[0]?.endsWith(` AS ${stage}`)) ?? '').split('\n');
    const sources = lines.flatMap((line) => (/^COPY (?!--)(\S+) \S+$/.exec(line)?.[1] ?? []) as string | []);
    expect(sources).toContain('cli');
    const app = path.join(folder, stage);
    for (const source of sources) await cp(path.join(root, source), path.join(app, source), { recursive: true });
    await symlink(path.join(root, 'node_modules'), path.join(app, 'node_modules'));
    return app;
  }

  const failureOf = (app: string, args: readonly string[]) =>
    run(process.execPath, ['--no-warnings', 'cli/jouleops.ts', ...args], { cwd: app }).then(
      () => expect.fail('it should not have run'),
      (error: { stderr: string }) => error.stderr,
    );

  it('agent: gets as far as asking for a way to join', async () => {
    const app = await build('agent');
    const args = ['agent', '--name', 'board', '--data-dir', path.join(folder, 'data'), '--port', '0'];
    expect(await failureOf(app, args)).toMatch(/jouleops: device board has not joined: pass a join token/);
  });

  it('controller: gets as far as asking for a cluster', async () => {
    const app = await build('controller');
    const args = ['controller', '--kubeconfig', path.join(folder, 'none')];
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
