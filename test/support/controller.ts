import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import type { ControllerOptions } from '../../controller/options.ts';
import { type RunningController, runController } from '../../controller/run.ts';
import type { Client } from '../../kube/api/client.ts';
import { createClient } from '../../kube/api/http-client.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { type ApiServerUnderTest, startApiServerUnderTest } from './api-server-under-test.ts';
import { watchConditions } from './condition-watch.ts';

export interface ControllerUnderTest {
  controller: RunningController;
  client: Client;
  directory: string;
  /** Calls that the controller made since the last time this was asked, as `METHOD path`. */
  writes(): string[];
  restart(): Promise<RunningController>;
  close(): Promise<void>;
}

export type TestControlPlane = ControllerUnderTest & { apiServer: ApiServerUnderTest };

/** An API server with the real controller on it, both on free ports and in directories of their own. */
export async function startControlPlane(options: Partial<ControllerOptions> = {}): Promise<TestControlPlane> {
  const apiServer = await startApiServerUnderTest();
  try {
    return Object.assign(await startControllerOn(apiServer, options), { apiServer });
  } catch (error) {
    await apiServer.close();
    throw error;
  }
}

/** The real controller on an API server; `close` closes both, and throws when a status broke the rules of conditions. */
export async function startControllerOn(
  api: Pick<ApiServerUnderTest, 'admin' | 'client' | 'certificateAuthority' | 'close'>,
  options: Partial<ControllerOptions> = {},
): Promise<ControllerUnderTest> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-controller-'));
  let writes: string[] = [];
  const own = createClient(api.admin, {
    userAgent: 'jouleops-controller',
    onCall: ({ method, path: at }) => {
      if (method !== 'GET') writes.push(`${method} ${at}`);
    },
  });
  const apiServer = { url: api.admin.server, certificateAuthority: api.certificateAuthority };
  const logger = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
  let stopping = new AbortController();
  // The same after a restart, as in an installation: devices know the address.
  let devicePort = 0;
  const start = () =>
    runController(
      { dataDirectory: directory, apiServer, ...options, devicePort: { port: devicePort, ...options.devicePort } },
      { client: own, clock: systemClock, logger },
      stopping.signal,
    );
  const controller = await start().catch(async (error: unknown) => {
    await own.close();
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  devicePort = Number(new URL(controller.devicePortUrl).port);
  const conditions = watchConditions(api.client);
  const plane: ControllerUnderTest = {
    controller,
    client: api.client,
    directory,
    writes: () => {
      const seen = writes;
      writes = [];
      return seen;
    },
    restart: async () => {
      await stop();
      stopping = new AbortController();
      plane.controller = await start();
      return plane.controller;
    },
    close: async () => {
      await stop();
      const linted = await Promise.allSettled([conditions.close()]);
      await own.close();
      await api.close();
      await rm(directory, { recursive: true, force: true });
      for (const result of linted) if (result.status === 'rejected') throw result.reason;
    },
  };
  async function stop(): Promise<void> {
    stopping.abort(new Error('test over'));
    await plane.controller.stopped;
  }
  return plane;
}
