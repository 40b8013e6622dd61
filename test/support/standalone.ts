import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Client } from '../../kube/api/client.ts';
import { createClient } from '../../kube/api/http-client.ts';
import { type ServerOptions, type StandaloneServer, startServer } from '../../standalone/server.ts';

export interface TestServer {
  readonly server: StandaloneServer;
  /** As the administrator. */
  readonly client: Client;
  readonly dataDirectory: string;
  close(): Promise<void>;
}

/** An embedded control plane on a free port, with a data directory of its own that goes with it. */
export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'jouleops-standalone-')));
  const server = await startServer({ logger: pino({ level: 'error' }), ...options, dataDirectory });
  const client = createClient(server.admin, { userAgent: 'jouleops-test' });
  return {
    server,
    client,
    dataDirectory,
    close: async () => {
      await client.close();
      await server.close();
      if (options.dataDirectory === undefined) await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}
