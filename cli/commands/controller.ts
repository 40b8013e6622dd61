import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { runController } from '../../controller/run.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { connect } from '../connect.ts';
import { makeDataDirectory } from '../data-directory.ts';
import { createLogger } from '../logger.ts';
import { parsePort } from '../up/options.ts';

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
  leaderElect: boolean;
}

export async function controller(flags: ControllerFlags, signal: AbortSignal): Promise<void> {
  const logger = createLogger({ part: 'controller' });
  const { client, connection } = await connect(flags.kubeconfig);
  const certificateAuthority =
    flags.apiServerCa === undefined ? (connection.certificateAuthority ?? '') : await readFile(flags.apiServerCa, 'utf8');
  try {
    const running = await runController(
      {
        dataDirectory: await makeDataDirectory(flags.dataDir),
        apiServer: { url: flags.apiServerUrl ?? connection.server, certificateAuthority },
        modelStoreDirectory: resolve(flags.modelStore),
        web: { host: flags.webHost, port: parsePort('--web-port', flags.webPort) },
        devicePort: {
          host: flags.deviceHost,
          port: parsePort('--device-port', flags.devicePort),
          ...(flags.deviceUrl === undefined ? {} : { advertisedUrl: flags.deviceUrl }),
        },
        ...(flags.agentsNamespace === undefined ? {} : { agentsNamespace: flags.agentsNamespace }),
        ...(flags.allowHost === undefined ? {} : { artifacts: { allowedHosts: flags.allowHost } }),
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
