// Files and directories that flags name and that cannot be used: every command names the flag or the file, and the next step.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jouleops } from '../../support/cli.ts';

const root = path.join(import.meta.dirname, '../../..');
const kubeconfig = `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: c}}], clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: c, user: {}}]}`;

describe('a file that cannot be used', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-given-'));
    await writeFile(path.join(directory, 'kubeconfig'), kubeconfig);
    for (const [folder, text] of [
      ['cut', 'a: ['],
      ['odd', 'variants: 5'],
    ] as const) {
      await mkdir(path.join(directory, folder));
      await writeFile(path.join(directory, folder, 'model.onnx'), '');
      await writeFile(path.join(directory, folder, 'model.yaml'), text);
    }
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const uri = 'oci://127.0.0.1:1/x:1';
  const model = path.join(root, 'model_store/nas-cell/1/model.onnx');
  it.each([
    [
      'recommend',
      [model, '--device', 'raspberry-pi-5', '--plot', '/nowhere/p.svg'],
      /--plot \/nowhere\/p\.svg cannot be written/,
    ],
    ['controller', ['--source-ca', 'gone', '--data-dir', 'd', '--kubeconfig', 'kubeconfig'], /--source-ca gone cannot be read/],
    ['calibrate', ['--simulate', 'raspberry-pi-5', '--out', '/proc/none'], /--out \/proc\/none cannot be written/],
    ['model', ['push', 'cut', uri], /cut\/model\.yaml: /],
    ['model', ['push', 'odd', uri], /odd\/model\.yaml: variants is no list/],
  ])('%s %j: says so', async (command, args, says) => {
    const answer = await jouleops([command, ...args], { cwd: directory, limitSeconds: 10 });
    expect(answer.stderr).toMatch(says);
    expect(answer.stderr).toMatch(/\n {2}next: /);
    expect([1, 2]).toContain(answer.code);
  });
});
