// An agent starts on what a cut has left, with no server to reach.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { classify } from '../../integration/agent/world.ts';
import { startAgentRun } from './agent-run.ts';
import type { Life } from './life.ts';
import { type Tree, writeTree } from './medium.ts';

export interface Restart {
  /** Version of the model that answered first; undefined when none did. */
  served?: string;
  /** From the start of the agent to that answer. */
  seconds: number;
}

/** @param patienceSeconds after which it is not waited for any longer. */
export async function restartOn(
  tree: Tree,
  { name, model }: Pick<Life, 'name' | 'model'>,
  patienceSeconds: number,
): Promise<Restart> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-cut-'));
  try {
    await writeTree(tree, directory);
    const begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    await using agent = await startAgentRun({
      name,
      dataDirectory: path.join(directory, name),
      simulate: 'raspberry-pi-5',
      windowSeconds: 10,
    });
    while (seconds() < patienceSeconds) {
      const { status, body } = await classify(agent.url, model);
      if (status === 200) return { served: String(body['model_version']), seconds: seconds() };
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { seconds: seconds() };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
