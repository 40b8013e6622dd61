// The embedded API server in a process of its own.
import { pino } from 'pino';
import { type StandaloneServer, startServer } from '../../../standalone/server.ts';
import { toWire, type WireConnection } from '../fleet/wire-connection.ts';
import { answerCalls } from '../harness/worker-process.ts';

let server: StandaloneServer | undefined;

answerCalls(
  {
    start: async ({ dataDirectory }: { dataDirectory: string }): Promise<WireConnection> => {
      server = await startServer({ dataDirectory, logger: pino({ level: 'error' }) });
      return toWire(server.admin);
    },
  },
  async () => server?.close(),
);
