// Many protocol stubs in one process: each with its own connections, Lease, watch and statuses, none with a model.
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { JoinRefused } from '../../../agent/identity/join.ts';
import type { EdgeDeviceStatus } from '../../../crds/edge-device.ts';
import { ConnectionError } from '../../../kube/api/api-error.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { type StubAgent, startStubAgent } from '../../support/stub-agent.ts';
import { fromWire, type WireConnection } from '../fleet/wire-connection.ts';
import { type Bytes, bytesOf } from '../harness/wire-bytes.ts';
import { answerCalls } from '../harness/worker-process.ts';
import { ApiCalls } from './api-calls.ts';

export interface StubsOrder {
  names: string[];
  deviceClassName: string;
  /** Join for real with this token; else speak as the administrator, to devices that are there. */
  joinToken?: string;
  connection?: WireConnection;
  status: EdgeDeviceStatus;
  heartbeatSeconds: number;
  /** So many join at a time, as a fleet that was switched on together would be let in. */
  atOnce: number;
  /** Less than the product keeps a connection without a call, where the server could not hold them all. */
  idleSeconds?: number;
}

const sockets = new Map<Socket, Bytes>();
const gone = { read: 0, written: 0 };
subscribe('undici:client:connected', (message) => {
  const { socket } = message as { socket: Socket };
  sockets.set(socket, bytesOf(socket));
  socket.once('close', () => {
    // The handle is gone by now: what was last seen of it, or at least what it carried.
    const last = sockets.get(socket);
    sockets.delete(socket);
    gone.read += Math.max(last?.read ?? 0, socket.bytesRead);
    gone.written += Math.max(last?.written ?? 0, socket.bytesWritten);
  });
});

const agents: StubAgent[] = [];
const clients: Client[] = [];
const calls = new ApiCalls();
const joinRetryMilliseconds = 1000;

async function start({ names, joinToken, connection, atOnce, idleSeconds, ...rest }: StubsOrder): Promise<void> {
  const waiting = [...names];
  const clientOptions = { onCall: calls.onCall, ...(idleSeconds === undefined ? {} : { idleSeconds }) };
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const own = connection && createClient(fromWire(connection), { userAgent: `stub-agent/${name}`, ...clientOptions });
      if (own) clients.push(own);
      agents.push(
        await untilTaken(() =>
          startStubAgent({
            name,
            ...rest,
            ...(joinToken === undefined ? {} : { joinToken, clientOptions }),
            ...(own === undefined ? {} : { client: own }),
          }),
        ),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** A controller that lets in no more at the moment says so, and a busy server does not answer: the product's agents ask again too. */
async function untilTaken(join: () => Promise<StubAgent>): Promise<StubAgent> {
  for (;;) {
    try {
      return await join();
    } catch (error) {
      const passes = error instanceof ConnectionError || (error instanceof JoinRefused && error.retry);
      if (!passes) throw error;
      await delay(joinRetryMilliseconds);
    }
  }
}

answerCalls(
  {
    start,
    /** Bytes on the agents' connections since they began, TLS included. */
    traffic: () => {
      const total = { ...gone, connections: sockets.size };
      for (const socket of sockets.keys()) {
        const bytes = bytesOf(socket);
        sockets.set(socket, bytes);
        total.read += bytes.read;
        total.written += bytes.written;
      }
      return total;
    },
    /** Since this was last asked. */
    calls: () => calls.take(),
    instances: () => agents.reduce((sum, agent) => sum + agent.instances.size, 0),
  },
  async () => {
    await Promise.all(agents.map((agent) => agent.stop()));
    await Promise.all(clients.map((client) => client.close()));
  },
);
