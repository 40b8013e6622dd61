// An agent for this machine, and one for each simulated board, each in a process of its own.
import { join } from 'node:path';
import type { AgentReadiness } from '../../agent/options.ts';
import type { RunningController } from '../../controller/run.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { superviseAgent } from './agent-process.ts';
import type { UpOptions } from './options.ts';
import type { Progress } from './progress.ts';
import type { RememberedPorts } from './remembered-ports.ts';
import { thisMachineName } from './this-machine.ts';

const joinSeconds = 600;

/** @param stack gets the end of all of them. */
export async function startAgents(
  options: UpOptions,
  controller: RunningController,
  ports: RememberedPorts,
  progress: Progress,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Promise<AgentReadiness[]> {
  const stopping = new AbortController();
  const both = AbortSignal.any([signal, stopping.signal]);
  const stopped: Promise<void>[] = [];
  stack.defer(async () => {
    stopping.abort(new Error('the agents are asked to stop'));
    await Promise.allSettled(stopped);
  });
  const specs = [{ name: thisMachineName() }, ...options.simulated.map(({ name, className }) => ({ name, simulate: className }))];
  return Promise.all(
    specs.map(async (spec) => {
      const agent = await superviseAgent(
        {
          ...spec,
          directory: join(options.dataDirectory, 'devices', spec.name),
          port: await ports.choose(`agent ${spec.name}`, 0),
          joinToken: await controller.mintJoinToken({ validSeconds: joinSeconds }),
        },
        { clock: systemClock, note: (text) => progress.note(text) },
        both,
      );
      stopped.push(agent.stopped);
      return agent.ready;
    }),
  );
}
