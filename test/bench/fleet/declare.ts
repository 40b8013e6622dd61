// Declares many deployments, waits until all are Ready, and says what that took.
import { modelDeployments } from '../../../crds/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { cpuSecondsOf, type Memory, memoryOf, watchMemory } from '../harness/process-usage.ts';
import type { ControllerCalls } from '../processes/controller.ts';
import { type Fleet, inParallel } from './fleet.ts';
import { modelDeployment } from './objects.ts';

export interface Declared {
  /** From the first create to the last Ready. */
  seconds: number;
  /** From the first create to its answer to the last one. */
  declareSeconds: number;
  cpuSeconds: number;
  /** Of the controller, before the first create and at most. */
  before: Memory;
  peak: Memory;
  calls: ControllerCalls;
}

const writers = 16;

export async function declareDeployments(fleet: Fleet, count: number, signal: AbortSignal): Promise<Declared> {
  const { controller } = fleet;
  await controller.call<ControllerCalls>('calls');
  const cpuBefore = await cpuSecondsOf(controller.pid);
  const before = await memoryOf(controller.pid);
  const memory = watchMemory(controller.pid);
  const started = performance.now();
  try {
    await inParallel(
      Array.from({ length: count }, (_, index) => index),
      writers,
      async (index) => {
        await fleet.client.create(modelDeployments, modelDeployment(index), { signal });
      },
    );
    const declareSeconds = (performance.now() - started) / 1000;
    await eventually(
      () => {
        signal.throwIfAborted();
        if (fleet.deployments.converged < count)
          throw new Error(
            `${fleet.deployments.converged} of ${count} deployments are Ready; ${fleet.deployments.describeLaggard()}`,
          );
      },
      900,
      100,
    );
    const seconds = (performance.now() - started) / 1000;
    return {
      seconds,
      declareSeconds,
      cpuSeconds: (await cpuSecondsOf(controller.pid)) - cpuBefore,
      calls: await controller.call<ControllerCalls>('calls'),
      before,
      peak: await memory.stop(),
    };
  } catch (error) {
    await memory.stop();
    throw error;
  }
}
