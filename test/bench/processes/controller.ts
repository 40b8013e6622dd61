// The real controller in a process of its own; it counts the calls that it makes.
import { pino } from 'pino';
import { keepHeapSmall } from '../../../cli/small-heap.ts';
import { type RunningController, runController } from '../../../controller/run.ts';
import type { Client, WatchOptions } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import type { KubeObject } from '../../../kube/api/objects.ts';
import type { Resource } from '../../../kube/api/resource.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { fromWire, type WireConnection } from '../fleet/wire-connection.ts';
import { answerCalls } from '../harness/worker-process.ts';
import { ApiCalls, type CallsByKind } from './api-calls.ts';

export interface ControllerOrder {
  dataDirectory: string;
  connection: WireConnection;
  /** 0 takes a free one; a restart keeps it, as an installation does: its address is published. */
  devicePort: number;
}

export interface ControllerCalls {
  reads: number;
  writes: number;
  byKind: CallsByKind;
  /** Of its watches. */
  events: number;
}

keepHeapSmall();
const stopping = new AbortController();
const calls = new ApiCalls();
let running: RunningController | undefined;
let events = 0;

/** The client, with every event of its watches counted. */
function countEvents(client: Client): Client {
  return {
    ...client,
    async watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions) {
      const stream = await client.watch(resource, options);
      return (async function* counted() {
        for await (const event of stream) {
          events++;
          yield event;
        }
      })();
    },
  };
}

answerCalls(
  {
    start: async ({
      dataDirectory,
      connection,
      devicePort,
    }: ControllerOrder): Promise<{ webUrl: string; devicePort: number }> => {
      const client = createClient(fromWire(connection), {
        userAgent: 'jouleops-controller',
        onCall: calls.onCall,
      });
      running = await runController(
        {
          dataDirectory,
          devicePort: { port: devicePort },
          apiServer: { url: connection.server, certificateAuthority: connection.certificateAuthority ?? '' },
        },
        { client: countEvents(client), clock: systemClock, logger: pino({ level: process.env['BENCH_LOG'] ?? 'silent' }) },
        stopping.signal,
      );
      return { webUrl: running.webUrl, devicePort: Number(new URL(running.devicePortUrl).port) };
    },
    /** What its heap holds, after a collection where the process was started with --expose-gc. */
    heap: () => {
      globalThis.gc?.();
      return process.memoryUsage();
    },
    joinToken: () => running?.mintJoinToken({ validSeconds: 3600 }),
    /** Calls since this was last asked. */
    calls: (): ControllerCalls => {
      const byKind = calls.take();
      const watched = events;
      events = 0;
      const sum = (want: (name: string) => boolean) => byKind.reduce((all, [name, count]) => all + (want(name) ? count : 0), 0);
      return {
        reads: sum((name) => name.startsWith('GET')),
        writes: sum((name) => !name.startsWith('GET')),
        byKind,
        events: watched,
      };
    },
  },
  async () => {
    stopping.abort(new Error('the benchmark is over'));
    await running?.stopped;
  },
);
