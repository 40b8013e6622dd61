import { readFile } from 'node:fs/promises';
import { parseUpstream, type UpstreamOptions } from '../../agent/engines/upstream/upstream-options.ts';
import type { AgentOptions, JoinSource } from '../../agent/options.ts';
import { runAgent } from '../../agent/run.ts';
import { settleMemory } from '../../agent/start/settle-memory.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { makeDataDirectory } from '../data-directory.ts';
import { CommandError, usageError } from '../exit-codes.ts';
import { bytesIn } from '../flags/bytes.ts';
import { numberIn, parsePort } from '../flags/number.ts';
import { checkSimulatedClass } from '../flags/simulated-class.ts';
import { createLogger } from '../logger.ts';

interface AgentFlags {
  name: string;
  dataDir: string;
  joinTokenFile?: string;
  serviceAccountTokenFile?: string;
  controllerUrl?: string;
  controllerCaFile?: string;
  host: string;
  port: string;
  grpcPort?: string;
  simulate?: string;
  pathSysfs: string;
  pathProcfs: string;
  insecureOpen: boolean;
  tlsCertFile?: string;
  tlsKeyFile?: string;
  accessTokenFile?: string;
  clientCaFile?: string;
  standalone?: boolean;
  deployTokenFile?: string;
  deployHost?: string[];
  upstream?: string[];
  advertisedUrl?: string;
  storageLimit: string;
  memoryLimit?: string;
  windowSeconds: string;
}

export async function agent(flags: AgentFlags, signal: AbortSignal): Promise<void> {
  if (flags.simulate !== undefined) checkSimulatedClass(flags.simulate);
  const join = await joinSourceOf(flags);
  const options: AgentOptions = {
    name: flags.name,
    dataDirectory: await makeDataDirectory(flags.dataDir),
    host: flags.host,
    port: parsePort('--port', flags.port),
    ...(flags.grpcPort === undefined ? {} : { grpcPort: parsePort('--grpc-port', flags.grpcPort) }),
    insecureOpen: flags.insecureOpen,
    ...accessOf(flags),
    ...limitsOf(flags),
    pathSysfs: flags.pathSysfs,
    pathProcfs: flags.pathProcfs,
    ...(flags.standalone ? { standalone: true } : {}),
    ...(flags.deployTokenFile === undefined
      ? {}
      : { deploy: { token: await readDeployToken(flags.deployTokenFile), hosts: flags.deployHost ?? [] } }),
    ...(join === undefined ? {} : { join }),
    ...(flags.upstream === undefined ? {} : { upstreams: flags.upstream.map(upstreamOf) }),
    ...(flags.simulate === undefined ? {} : { simulate: flags.simulate }),
  };
  settleMemory(systemClock, signal).catch(() => {}); // it ends with the agent
  await runAgent(options, { logger: createLogger({ device: flags.name }) }, signal);
}

type LimitFlags = Pick<AgentFlags, 'advertisedUrl' | 'storageLimit' | 'memoryLimit' | 'windowSeconds'>;

/** @throws CommandError that names the flag, its value and what is wanted. */
export function limitsOf({ advertisedUrl, storageLimit, memoryLimit, windowSeconds }: LimitFlags) {
  if (advertisedUrl !== undefined && !/^https?:$/.test(URL.canParse(advertisedUrl) ? new URL(advertisedUrl).protocol : ''))
    throw usageError(`--advertised-url ${advertisedUrl} is not an http address`, 'give one such as https://hall-1-pi:7500');
  return {
    storageLimitBytes: bytesIn('--storage-limit', storageLimit),
    windowSeconds: numberIn('--window-seconds', windowSeconds, 1, 600),
    ...(memoryLimit === undefined ? {} : { memoryLimitBytes: bytesIn('--memory-limit', memoryLimit) }),
    ...(advertisedUrl === undefined ? {} : { advertisedUrl: advertisedUrl.replace(/\/$/, '') }),
  };
}

type AccessFlags = Pick<AgentFlags, 'tlsCertFile' | 'tlsKeyFile' | 'accessTokenFile' | 'clientCaFile'>;

function accessOf({ tlsCertFile: certificateFile, tlsKeyFile: keyFile, accessTokenFile, clientCaFile }: AccessFlags) {
  if ((certificateFile === undefined) !== (keyFile === undefined))
    throw usageError('--tls-cert-file and --tls-key-file go together', 'give both, or none for a certificate of the agent’s own');
  return {
    ...(certificateFile === undefined || keyFile === undefined ? {} : { tls: { certificateFile, keyFile } }),
    ...(accessTokenFile === undefined ? {} : { accessTokenFile }),
    ...(clientCaFile === undefined ? {} : { clientAuthorityFile: clientCaFile }),
  };
}

function upstreamOf(text: string): UpstreamOptions {
  try {
    return parseUpstream(text);
  } catch (error) {
    throw usageError(`--upstream: ${(error as Error).message}`, 'give NAME=URL, or NAME=URL,repository=DIR', error);
  }
}

type JoinFlags = Pick<AgentFlags, 'joinTokenFile' | 'serviceAccountTokenFile' | 'controllerUrl' | 'controllerCaFile'>;

/** How this device joins; undefined when nothing is said, which is enough for one that has joined. */
export async function joinSourceOf(flags: JoinFlags): Promise<JoinSource | undefined> {
  const { serviceAccountTokenFile: tokenFile, controllerUrl: url, controllerCaFile: certificateAuthorityFile } = flags;
  if (tokenFile === undefined) return flags.joinTokenFile === undefined ? undefined : readJoinToken(flags.joinTokenFile);
  if (flags.joinTokenFile !== undefined || url === undefined || certificateAuthorityFile === undefined)
    throw usageError(
      '--service-account-token-file goes with --controller-url and --controller-ca-file, and without --join-token-file',
      'give these three in a pod, or a join token elsewhere',
    );
  return { kind: 'ServiceAccountToken', tokenFile, url, certificateAuthorityFile };
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

async function readDeployToken(file: string): Promise<string> {
  const token = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    (error: Error) => {
      throw new CommandError(`--deploy-token-file ${file}: ${error.message}`, 'write a secret of your own into it', {
        cause: error,
      });
    },
  );
  if (token.length >= 16) return token;
  throw usageError(`--deploy-token-file ${file} holds ${token.length} characters`, 'a token needs 16 or more');
}
