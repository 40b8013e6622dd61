// `jouleops up` killed where it stands, and started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';

const entry = path.join(import.meta.dirname, '../../../cli/jouleops.ts');

describe('an agent whose parent is killed', () => {
  let directory: string;
  let agent: ChildProcess;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-killed-'));
    const args = ['agent', '--name', 'orphan', '--data-dir', directory, '--port', '0', '--standalone'];
    agent = spawn(process.execPath, ['--no-warnings', entry, ...args], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    await eventually(async () => expect(await readFile(path.join(directory, 'agent.json'), 'utf8')).toContain('orphan'), 20);
  });
  afterEach(async () => {
    if (agent.exitCode === null && agent.kill('SIGKILL')) await once(agent, 'exit');
    await rm(directory, { recursive: true, force: true });
  });

  it('stops in order, so that the next one finds its directory free', async () => {
    expect(agent.exitCode).toBe(null);
    agent.disconnect(); // the channel closes as it does when the parent is gone
    await eventually(() => expect(agent.exitCode).not.toBe(null), 10);
    expect(agent.exitCode).toBe(0);
  });
});
