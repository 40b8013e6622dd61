import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { toError } from '../../kube/api/api-error.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { keepCompiled } from '../compile-cache.ts';
import { connect } from '../connect.ts';
import { makeDataDirectory } from '../data-directory.ts';
import { CommandError, usageError } from '../exit-codes.ts';
import { bytesIn } from '../flags/bytes.ts';
import { readGivenFile } from '../flags/given-file.ts';
import { parsePort } from '../flags/number.ts';
import { createLogger } from '../logger.ts';
import { keepHeapSmall } from '../small-heap.ts';

interface ControllerFlags {
  kubeconfig?: string;
  dataDir: string;
  webHost: string;
  webPort: string;
  deviceHost: string;
  devicePort: string;
  deviceUrl?: string;
  apiServerUrl?: string;
  apiServerCa?: string;
  modelStore: string;
  agentsNamespace?: string;
  allowHost?: string[];
  allowPrivateSources: boolean;
  sourceCa?: string;
  storageLimit: string;
  artifactLimit: string;
  leaderElect: boolean;
}

export async function controller(flags: ControllerFlags, signal: AbortSignal): Promise<void> {
  keepHeapSmall();
  const logger = createLogger({ part: 'controller' });
  const webPort = parsePort('--web-port', flags.webPort);
  const devicePort = parsePort('--device-port', flags.devicePort);
  const limits = artifactLimitsOf(flags);
  const { apiServerCa } = flags;
  const apiServerAuthority = apiServerCa === undefined ? undefined : await readAuthority(apiServerCa);
  const dataDirectory = await makeDataDirectory(flags.dataDir);
  keepCompiled(dataDirectory);
  const { runController } = await import('../../controller/run.ts');
  const { client, connection } = await connect(flags.kubeconfig);
  const certificateAuthority = apiServerAuthority ?? connection.certificateAuthority ?? '';
  // From its file again for every device that joins or renews: authorities are rotated under a controller that runs.
  const readCertificateAuthority = async () =>
    apiServerCa === undefined
      ? ((await connection.refresh?.())?.certificateAuthority ?? certificateAuthority)
      : readAuthority(apiServerCa);
  try {
    const running = await runController(
      {
        dataDirectory,
        apiServer: { url: flags.apiServerUrl ?? connection.server, certificateAuthority, readCertificateAuthority },
        modelStoreDirectory: resolve(flags.modelStore),
        web: { host: flags.webHost, port: webPort },
        devicePort: {
          host: flags.deviceHost,
          port: devicePort,
          ...(flags.deviceUrl === undefined ? {} : { advertisedUrl: flags.deviceUrl }),
        },
        ...(flags.agentsNamespace === undefined ? {} : { agentsNamespace: flags.agentsNamespace }),
        artifacts: {
          ...limits,
          allowedHosts: flags.allowHost ?? [],
          allowPrivateAddresses: flags.allowPrivateSources,
          ...(flags.sourceCa === undefined ? {} : { certificateAuthority: await readGivenFile('--source-ca', flags.sourceCa) }),
        },
        leaderElection: flags.leaderElect,
      },
      { client, clock: systemClock, logger },
      signal,
    );
    await running.stopped;
  } finally {
    await client.close();
  }
}

/** @throws CommandError that names the flag, its value and what is wanted. */
export function artifactLimitsOf({ storageLimit, artifactLimit }: Pick<ControllerFlags, 'storageLimit' | 'artifactLimit'>) {
  const quotaBytes = bytesIn('--storage-limit', storageLimit);
  const maximumBytes = bytesIn('--artifact-limit', artifactLimit);
  if (maximumBytes > quotaBytes)
    throw usageError(
      `--artifact-limit ${artifactLimit} is more than --storage-limit ${storageLimit}`,
      'give room for at least one artifact of that length',
    );
  return { quotaBytes, maximumBytes };
}

/** PEM of --api-server-ca. */
async function readAuthority(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandError(
      `--api-server-ca ${path} cannot be read: ${toError(error).message}`,
      'name the PEM file of the authority that signed the certificate of the API server',
      { cause: error },
    );
  });
}
