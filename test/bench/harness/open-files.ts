import { readFile } from 'node:fs/promises';

/** At rest an agent holds two connections, its watch and the one for its calls; after a busy moment some hold a third for a while. */
const connectionsPerAgent = 2.3;

/** @throws Error where the API server's process could not hold the connections of so many agents. */
export async function requireOpenFiles(agents: number): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const [, , hard = ''] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  const limit = hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  if (agents * connectionsPerAgent <= limit) return;
  throw new Error(
    `--agents ${agents}: a process may open ${limit} files here, an API server needs ${Math.ceil(agents * connectionsPerAgent)} for as many agents; raise the limit (ulimit -Hn), or give --agents ${Math.floor(limit / connectionsPerAgent)}`,
  );
}
