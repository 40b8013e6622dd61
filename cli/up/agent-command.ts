// How the process of an agent is started: with little memory, as on a small board.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../jouleops.ts', import.meta.url));
/** Measured (docs/benchmarks.md): a small young generation and one background thread cost an agent at rest nothing. */
const nodeFlags = ['--max-semi-space-size=1', '--v8-pool-size=1', '--no-warnings'];
/** Of what reading the program took, 4 MiB stayed in the heap with a threshold of 64 KiB. */
const allocator = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '16384', MALLOC_MMAP_THRESHOLD_: '16384' };

export interface AgentCommandSpec {
  name: string;
  directory: string;
  tokenFile: string;
  port: number;
  simulate?: string;
  /** The command line to run; default: this source tree. */
  entry?: string;
}

export interface AgentCommand {
  args: string[];
  environment: NodeJS.ProcessEnv;
}

/** Arguments for Node, and the environment, which the processes of its models inherit. */
export function agentCommand({ name, directory, tokenFile, port, simulate, entry = source }: AgentCommandSpec): AgentCommand {
  const flags = ['--name', name, '--data-dir', directory, '--join-token-file', tokenFile, '--port', String(port)];
  return {
    args: [...nodeFlags, entry, 'agent', ...flags, ...(simulate === undefined ? [] : ['--simulate', simulate])],
    environment: {
      ...process.env,
      ...allocator,
      // From its second start on, a process needs no TypeScript stripper: 17 MiB less, and a faster start.
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(directory, 'compile-cache'),
    },
  };
}
