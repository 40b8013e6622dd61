// The paths of the replaced agent, put together.
import type { Clock } from '../../kube/runtime/clock.ts';
import { LocalSlots } from '../compatibility/local-slots.ts';
import { oldPhaseOf } from '../compatibility/old-answers.ts';
import { createOldHandler } from '../compatibility/old-handler.ts';
import type { Handler } from '../http/http-server.ts';
import type { Instances } from '../instances.ts';
import type { AgentOptions } from '../options.ts';
import type { Routes } from '../serving/routes.ts';
import type { Board } from './board.ts';
import type { Serving } from './serving.ts';
import type { AgentState } from './state.ts';

interface Deps {
  clock: Clock;
  state: AgentState;
  board: Board;
  routes: Routes;
  serving: Serving;
  instances: Instances;
  /** Address of the API server; undefined before this device has joined. */
  joinedTo: () => string | undefined;
}

export function createCompatibility(options: AgentOptions, deps: Deps, signal: AbortSignal): Handler {
  const { state, board, instances } = deps;
  const { desired, store, days } = state;
  return createOldHandler(
    {
      clock: deps.clock,
      device: options.name,
      routes: deps.routes,
      service: deps.serving.service,
      power: board.power,
      telemetry: board.telemetry,
      days,
      phases: () => instances.runners().map(oldPhaseOf),
      controlPlane: () => (options.standalone ? undefined : (deps.joinedTo() ?? 'the control plane that this device is to join')),
      token: options.deploy?.token,
      slots: new LocalSlots(
        {
          clock: deps.clock,
          device: options.name,
          desired,
          store,
          routes: deps.routes,
          allowedHosts: options.deploy?.hosts ?? [],
          onChange: (instance) => instances.put(instance),
          onRemove: (instance) => instances.remove(instance),
        },
        signal,
      ),
    },
    signal,
  );
}
