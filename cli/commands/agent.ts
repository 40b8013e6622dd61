import { readFile } from 'node:fs/promises';
import type { AgentOptions, JoinSource } from '../../agent/options.ts';
import { runAgent } from '../../agent/run.ts';
import { CommandError } from '../exit-codes.ts';
import { createLogger } from '../logger.ts';
import { parsePort } from '../up/options.ts';

interface AgentFlags {
  name: string;
  dataDir: string;
  joinTokenFile?: string;
  host: string;
  port: string;
  simulate?: string;
  pathSysfs: string;
  pathProcfs: string;
  insecureOpen: boolean;
}

export async function agent(flags: AgentFlags, signal: AbortSignal): Promise<void> {
  const join = flags.joinTokenFile === undefined ? undefined : await readJoinToken(flags.joinTokenFile);
  const options: AgentOptions = {
    name: flags.name,
    dataDirectory: flags.dataDir,
    host: flags.host,
    port: parsePort('--port', flags.port),
    insecureOpen: flags.insecureOpen,
    pathSysfs: flags.pathSysfs,
    pathProcfs: flags.pathProcfs,
    ...(join === undefined ? {} : { join }),
    ...(flags.simulate === undefined ? {} : { simulate: flags.simulate }),
  };
  await runAgent(options, { logger: createLogger({ device: flags.name }) }, signal);
}

async function readJoinToken(file: string): Promise<JoinSource> {
  try {
    return { kind: 'JoinToken', token: (await readFile(file, 'utf8')).trim() };
  } catch (error) {
    throw new CommandError(
      `--join-token-file ${file}: ${(error as Error).message}`,
      'make one with "jouleops device token > FILE"',
      { cause: error },
    );
  }
}
