// The whole product on one machine with a fleet out of Git: declared, applied, judged, said.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jouleops } from '../../support/cli.ts';
import { lacks } from '../../support/git/available.ts';
import { TestRepository } from '../../support/git/repository.ts';
import { deploymentYaml, namespaceFile, nasCellYaml } from '../../support/plan/fleet-files.ts';

describe.skipIf(lacks('git'))('jouleops up --fleet URL', () => {
  let directory: string;
  let remote: TestRepository;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-up-git-'));
    remote = await TestRepository.create();
    const placement = 'replicas: 1, deviceClassNames: [raspberry-pi-5-simulated]';
    await remote.commit({
      '00.yaml': namespaceFile,
      'model.yaml': nasCellYaml('nas-cell-1'),
      'greedy.yaml': deploymentYaml('greedy', { budget: '1mJ', placement }),
    });
  });
  afterAll(async () => {
    await remote.remove();
    await rm(directory, { recursive: true, force: true });
  });

  it('applies the repository, and ends with what became of it', async () => {
    const ports = ['--port', '0', '--web-port', '0'];
    const { code, stdout, stderr } = await jouleops(
      [
        'up',
        '--simulate',
        'raspberry-pi-5=1',
        '--fleet',
        remote.url,
        '--once',
        '--data-dir',
        path.join(directory, 'data'),
        ...ports,
      ],
      { limitSeconds: 50 },
    );
    expect(`${stdout}${stderr}`).toMatch(/factory\/greedy.*(\n.*)?lower bound [\d.]+mJ > budget 1mJ/);
    expect(code).toBe(0);
  });
});
