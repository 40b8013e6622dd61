// How one instance goes from slot to slot, and how it ends, with an engine that does what a test tells it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Artifacts } from '../../../agent/artifacts/artifacts.ts';
import { BlobStore } from '../../../agent/artifacts/blob-store.ts';
import type { DesiredInstance } from '../../../agent/assignment/desired-state.ts';
import type { EngineModel, InferenceRequest } from '../../../agent/inference/engine.ts';
import { InferenceService } from '../../../agent/serving/inference-service.ts';
import { InstanceRunner } from '../../../agent/serving/instance-runner.ts';
import { ModelLoader } from '../../../agent/serving/model-loader.ts';
import { Routes } from '../../../agent/serving/routes.ts';
import { digestOf } from '../../../crds/digest.ts';
import type { Slot } from '../../../crds/model-instance.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const bytes = Buffer.from('a model');
const slot = (modelVersion: string): Slot => ({
  revision: `states-${modelVersion}`,
  modelVersionName: `states-${modelVersion}`,
  modelVersion,
  variant: 'fp32',
  digest: digestOf(bytes),
  size: bytes.length,
});
const instance = (active: Slot): DesiredInstance => ({
  namespace: 'factory',
  name: 'states',
  uid: 'u',
  generation: 1,
  deviceUid: 'device',
  spec: { deviceName: 'a', deploymentName: 'states', deploymentUid: 'd', active },
});
const request = { name: 'states', inputs: [], outputs: [], protocol: 'http' } as const;

let directory: string;
let world: ReturnType<typeof createWorld>;

/** What engine, disk and pace do is what a test puts in their place. */
function createWorld(store: BlobStore) {
  const clock = new FakeClock();
  const ended = new AbortController();
  const routes = new Routes();
  const closed: string[] = [];
  const did = {
    infer: (_request: InferenceRequest): Promise<void> => Promise.resolve(),
    close: (): Promise<void> => Promise.resolve(),
    keep: (_slot: Slot): Promise<void> => Promise.resolve(),
    pace: (): Promise<void> => Promise.resolve(),
    residentBytes: (): Promise<number> => Promise.resolve(1),
  };
  const modelOf = (name: string): EngineModel => ({
    inputs: [],
    outputs: [],
    platform: 'none',
    executionProviders: ['cpu'],
    runtimeVersion: '0',
    loadMilliseconds: 1,
    ready: true,
    queueLength: 0,
    restarts: { count: 0 },
    residentBytes: () => did.residentBytes(),
    infer: async (asked) => {
      await did.infer(asked);
      return { outputs: [], queueMicroseconds: 0, transferMicroseconds: 0, modelMicroseconds: 1 };
    },
    close: async () => {
      closed.push(name);
      await did.close();
    },
  });
  const loader = new ModelLoader({
    clock,
    store,
    engines: [{ kind: 'OnnxRuntime', load: async ({ modelVersion }) => modelOf(modelVersion) }],
    observer: { onInference: () => {} },
    memoryLimitBytes: 1e12,
    runtime: 'none',
  });
  const artifacts = new Artifacts({ clock, logger: silentLogger, store, origin: () => undefined });
  const service = new InferenceService({
    clock,
    routes,
    counter: { countRequest: () => {} },
    pace: () => did.pace(),
  });
  const start = (active: Slot) =>
    new InstanceRunner(
      instance(active),
      {
        clock,
        logger: silentLogger,
        artifacts,
        loader,
        routes,
        hold: () => false,
        recall: () => undefined,
        onServing: (_, served) => did.keep(served),
        onChange: () => {},
      },
      ended.signal,
    );
  const serves = (version: string) => eventually(() => expect(routes.find('states').active?.slot.modelVersion).toBe(version));
  return { clock, ended, routes, closed, did, loader, service, start, serves };
}

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-runner-'));
  const store = new BlobStore({ directory, quotaBytes: 1e6 });
  await store.open();
  await writeFile(store.path(digestOf(bytes)), bytes);
  world = createWorld(store);
});
afterEach(async () => {
  world.ended.abort();
  await rm(directory, { recursive: true });
});

describe('a swap', () => {
  it('is whole on a full disk, and is kept once there is room', async () => {
    const { did, closed, start, serves } = world;
    const kept: string[] = [];
    let full = false;
    did.keep = async ({ modelVersion }) => {
      if (full) throw new Error('ENOSPC: no space left on device');
      kept.push(modelVersion);
    };
    const runner = start(slot('1'));
    await serves('1');
    full = true;
    runner.update(instance(slot('2')));
    await serves('2');
    await eventually(() => expect(closed).toEqual(['1']));
    expect(kept).toEqual(['1']);
    full = false;
    runner.wake();
    await eventually(() => expect(kept).toEqual(['1', '2']));
    runner.wake();
    await runner.stop();
    expect(kept).toEqual(['1', '2']);
  });

  it('waits for the requests that are held back before the old model', async () => {
    const { did, closed, service, start, serves } = world;
    const runner = start(slot('1'));
    await serves('1');
    const held = Promise.withResolvers<void>();
    did.pace = () => held.promise;
    const answer = service.infer(request);
    runner.update(instance(slot('2')));
    await serves('2');
    await eventually(() => expect(runner.revision('states-1')?.busy).toBe(true));
    expect(closed).toEqual([]);
    held.resolve();
    expect((await answer).model.slot.modelVersion).toBe('1');
    await eventually(() => expect(closed).toEqual(['1']));
    await runner.stop();
  });

  it('goes on when the old model cannot be unloaded', async () => {
    const { did, closed, loader, start, serves } = world;
    const runner = start(slot('1'));
    await serves('1');
    did.close = () => Promise.reject(new Error('EROFS: read-only file system'));
    runner.update(instance(slot('2')));
    await serves('2');
    await eventually(() => expect(closed).toEqual(['1']));
    await eventually(() => expect(runner.revision('states-1')).toBeUndefined());
    await runner.stop();
    expect(loader.takenBytes).toBe(0);
  });
});

describe('the end of an instance', () => {
  it('waits for a model that was on its way out already', async () => {
    const { did, closed, service, start, serves } = world;
    const runner = start(slot('1'));
    await serves('1');
    const running = Promise.withResolvers<void>();
    did.infer = ({ deadline }) => (deadline === undefined ? Promise.resolve() : running.promise);
    const answer = service.infer(request);
    runner.update(instance(slot('2')));
    await serves('2');
    await eventually(() => expect(runner.revision('states-1')?.busy).toBe(true));
    let isOver = false;
    const stopping = runner.stop().then(() => {
      isOver = true;
    });
    await eventually(() => expect(closed).toEqual(['2']));
    expect(isOver).toBe(false);
    running.resolve();
    await answer;
    await stopping;
    expect(closed).toEqual(['2', '1']);
  });

  it('leaves no model behind that was just being loaded', async () => {
    const { did, closed, loader, start } = world;
    const measuring = Promise.withResolvers<number>();
    let isMeasured = false;
    did.residentBytes = () => {
      isMeasured = true;
      return measuring.promise;
    };
    const runner = start(slot('1'));
    await eventually(() => expect(isMeasured).toBe(true));
    await runner.stop();
    measuring.resolve(1);
    await eventually(() => expect(closed).toEqual(['1']));
    expect(loader.takenBytes).toBe(0);
  });

  it('takes no route from the one that came after it', async () => {
    const { did, routes, start, serves } = world;
    const keeping = Promise.withResolvers<void>();
    did.keep = () => keeping.promise;
    const first = start(slot('1'));
    await serves('1');
    const stopping = first.stop();
    did.keep = () => Promise.resolve();
    const second = start(slot('2'));
    await serves('2');
    keeping.resolve();
    await stopping;
    expect(routes.find('states').active?.slot.modelVersion).toBe('2');
    await second.stop();
    expect(routes.list()).toEqual([]);
  });

  it('with its agent is told as unavailable, which clients try again, and not as an unknown model', async () => {
    const { service, start, serves } = world;
    const runner = start(slot('1'));
    await serves('1');
    await runner.stop('the agent is stopping');
    await expect(service.infer(request)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'model states does not serve: the agent is stopping',
    });
  });
});

describe('a request', () => {
  it.each([3e12, Number.MAX_VALUE, Number.POSITIVE_INFINITY])(
    'may give %d microseconds and waits a day at most',
    async (timeoutMicroseconds) => {
      const { clock, did, service, start, serves } = world;
      const runner = start(slot('1'));
      await serves('1');
      let deadline: number | undefined;
      did.infer = async (asked) => {
        deadline = asked.deadline;
      };
      await service.infer({ ...request, timeoutMicroseconds });
      expect(deadline).toBe(clock.monotonic() + 86_400_000);
      await runner.stop();
    },
  );
});
