import { readFile } from 'node:fs/promises';

/** What a server has open beside the connections of agents: listeners, storage, the controller's watches, ends of connections not seen yet. */
const otherFiles = 500;

/**
 * A stub that behaves as the product holds two connections, its watch and the one for its calls; while it is busy a third for a
 * while. Where a process may not open as many files, the rest of the stubs close the one for calls after use.
 * @param busy stubs that are busy at a time, at most.
 * @returns how many stubs can keep both.
 * @throws Error where the API server's process could not even hold the watches.
 */
export async function stubsWithTwoConnections(agents: number, busy: number): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const [, , hard = ''] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  const limit = hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  const watchesFit = limit - otherFiles - busy;
  if (agents > watchesFit)
    throw new Error(
      `--agents ${agents}: a process may open ${limit} files here, an API server needs ${agents + otherFiles + busy} for as many agents; raise the limit (ulimit -Hn), or give --agents ${watchesFit}`,
    );
  return Math.min(agents, watchesFit - agents);
}
