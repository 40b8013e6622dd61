// A large fleet of protocol stubs: what it costs at rest, and how soon a change reaches a device.
import { setTimeout as delay } from 'node:timers/promises';
import { modelDeployments } from '../../crds/resources.ts';
import { eventually } from '../support/eventually.ts';
import { type ServerKind, startBenchServer } from './fleet/api-servers.ts';
import { declareDeployments } from './fleet/declare.ts';
import { Fleet, inParallel } from './fleet/fleet.ts';
import { namespace, numbered, versionNames } from './fleet/objects.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { digits, judged, mebibytes, milliseconds, percent, quantile, seconds } from './harness/format.ts';
import { requireOpenFiles } from './harness/open-files.ts';
import { cpuSecondsOf, watchMemory } from './harness/process-usage.ts';
import type { ControllerCalls } from './processes/controller.ts';

const goal = { kilobitsPerSecond: 0.25, convergedSeconds: 5, cpuSecondsEach: 0.05 };
/** Two heartbeats of every agent. */
const defaultRestSeconds = 120;

async function measureRest(fleet: Fleet, agents: number, restSeconds: number) {
  const [cpuBefore, before] = [await cpuSecondsOf(fleet.controller.pid), await fleet.traffic()];
  const serverBefore = fleet.server.pid === undefined ? 0 : await cpuSecondsOf(fleet.server.pid);
  const memory = watchMemory(fleet.controller.pid, 2000);
  const started = performance.now();
  await delay(restSeconds * 1000);
  const elapsed = (performance.now() - started) / 1000;
  const after = await fleet.traffic();
  const bytes = after.read + after.written - before.read - before.written;
  return {
    bytesPerSecond: bytes / elapsed / agents,
    connections: after.connections / agents,
    controllerCpu: ((await cpuSecondsOf(fleet.controller.pid)) - cpuBefore) / elapsed,
    serverCpu: fleet.server.pid === undefined ? Number.NaN : ((await cpuSecondsOf(fleet.server.pid)) - serverBefore) / elapsed,
    memory: await memory.stop(),
  };
}

interface CpuSeconds {
  controller: number;
  /** Not known of a real one, which is several processes. */
  server: number | undefined;
  stubs: number;
}

async function cpuOf({ controller, server, stubs }: Fleet): Promise<CpuSeconds> {
  const each = await Promise.all(stubs.map(({ pid }) => cpuSecondsOf(pid)));
  return {
    controller: await cpuSecondsOf(controller.pid),
    server: server.pid === undefined ? undefined : await cpuSecondsOf(server.pid),
    stubs: each.reduce((sum, one) => sum + one, 0),
  };
}

function difference(after: CpuSeconds, before: CpuSeconds): CpuSeconds {
  return {
    controller: after.controller - before.controller,
    server: after.server === undefined || before.server === undefined ? undefined : after.server - before.server,
    stubs: after.stubs - before.stubs,
  };
}

async function measureChanges(fleet: Fleet, count: number, perSecond: number, { note, signal }: BenchOptions) {
  const { controller, deployments } = fleet;
  await controller.call('calls');
  const cpuBefore = await cpuOf(fleet);
  const memory = watchMemory(controller.pid);
  const written: { name: string; generation: number; at: number }[] = [];
  const started = performance.now();
  // Each at its own time, whether or not those before it were answered: a slow server must not slow the load.
  await inParallel(
    Array.from({ length: count }, (_, index) => index),
    count,
    async (index) => {
      await delay(Math.max(0, started + (index / perSecond) * 1000 - performance.now()));
      const name = numbered('model', index);
      const at = performance.now();
      const patch = { kind: 'merge' as const, body: { spec: { modelVersionName: versionNames[1] } } };
      const { metadata } = await fleet.client.patch(modelDeployments, { namespace, name }, patch, { signal });
      written.push({ name, generation: metadata.generation ?? 0, at });
    },
  );
  const late = () => written.filter(({ name, generation }) => deployments.convergedAt(name, generation) === undefined).length;
  await eventually(
    () => {
      signal.throwIfAborted();
      if (late() > 0) throw new Error(`${late()} changes have not converged; ${deployments.describeLaggard()}`);
    },
    300,
    100,
  );
  const elapsed = (performance.now() - started) / 1000;
  const waits = written.map(
    ({ name, generation, at }) => ((deployments.convergedAt(name, generation) ?? Number.NaN) - at) / 1000,
  );
  const calls = await controller.call<ControllerCalls>('calls');
  note(`  the last converged after ${elapsed.toFixed(1)} s; calls ${JSON.stringify(calls.byKind)}`);
  return {
    waits,
    elapsed,
    cpuSeconds: difference(await cpuOf(fleet), cpuBefore),
    eventsPerSecond: calls.events / elapsed,
    callsEach: (calls.reads + calls.writes) / count,
    memory: await memory.stop(),
  };
}

function perChange(cpuSeconds: number | undefined, changes: number): string {
  return cpuSeconds === undefined ? '–' : seconds(cpuSeconds / changes);
}

function judgedCpu(each: number): string {
  return judged(seconds(each), each <= goal.cpuSecondsEach);
}

/** Where the time goes: a process near 100 % is what the others wait for, and a sum near 100 % of each core means the machine is. */
function sharesOf({ controller, server, stubs }: CpuSeconds, elapsed: number): string {
  return [controller, server, stubs].map((one) => (one === undefined ? '–' : percent(one / elapsed))).join(', ');
}

async function run(options: BenchOptions): Promise<BenchResult> {
  const agents = countOption(options, 'agents', 1000);
  const changes = Math.min(agents, countOption(options, 'changes', 1000));
  const perSecond = countOption(options, 'rate', 50);
  const restSeconds = countOption(options, 'rest', defaultRestSeconds);
  await requireOpenFiles(agents);
  const server = await startBenchServer((options.values['server'] ?? 'embedded') as ServerKind, options.note);
  if (!server) throw new Error('this machine has no kube-apiserver');
  try {
    await using fleet = await Fleet.start({ server, agents, note: options.note, signal: options.signal });
    await declareDeployments(fleet, changes, options.signal);
    options.note(`  ${changes} deployments serve; at rest for ${restSeconds} s`);
    await delay(5000);
    const rest = await measureRest(fleet, agents, restSeconds);
    options.note(`  ${changes} changes at ${perSecond} per second`);
    const changed = await measureChanges(fleet, changes, perSecond, options);
    const kilobits = (rest.bytesPerSecond * 8) / 1000;
    const slow = quantile(changed.waits, 0.99);
    return {
      tables: [
        {
          caption: `${agents.toLocaleString('en')} stubs on the ${server.kind === 'embedded' ? 'embedded API server' : 'real kube-apiserver'}, ${changes.toLocaleString('en')} deployments; at rest for ${restSeconds} s.`,
          columns: ['at rest', 'goal', 'measured'],
          rows: [
            [
              'bytes per agent, TLS included',
              `≤ ${goal.kilobitsPerSecond} kbit/s`,
              judged(`${digits(kilobits)} kbit/s`, kilobits <= goal.kilobitsPerSecond),
            ],
            ['connections per agent', '–', digits(rest.connections)],
            ['controller, processor time of one core', '–', percent(rest.controllerCpu)],
            ['controller, resident (peak of its life)', '–', mebibytes(rest.memory.residentBytes)],
            ['API server, processor time of one core', '–', Number.isNaN(rest.serverCpu) ? '–' : percent(rest.serverCpu)],
          ],
        },
        {
          caption: `${changes.toLocaleString('en')} changes of the model version at ${perSecond} per second: from the write to the deployment’s Ready at the new generation, candidate and switch on the device included.`,
          columns: ['changes', 'goal', 'measured'],
          rows: [
            ['desired → converged, p50', '–', milliseconds(quantile(changed.waits, 0.5) * 1000)],
            ['desired → converged, p99', `≤ ${goal.convergedSeconds} s`, judged(seconds(slow), slow <= goal.convergedSeconds)],
            ['watch events that the controller handled per second', '–', digits(changed.eventsPerSecond)],
            ['first write → last converged', '–', seconds(changed.elapsed)],
            ['changes converged per second', `≥ ${perSecond} keeps up`, digits(changes / changed.elapsed)],
            [
              'controller, processor time per change',
              `≤ ${goal.cpuSecondsEach} s`,
              judgedCpu(changed.cpuSeconds.controller / changes),
            ],
            ['API server, processor time per change', '–', perChange(changed.cpuSeconds.server, changes)],
            ['stub agents, processor time per change', '–', perChange(changed.cpuSeconds.stubs, changes)],
            ['of one core: controller, API server, stub agents', '–', sharesOf(changed.cpuSeconds, changed.elapsed)],
            ['controller’s API calls per change', '–', digits(changed.callsEach)],
            ['controller, resident (peak)', '–', mebibytes(changed.memory.residentBytes)],
          ],
        },
      ],
      remarks: [
        'A stub joins, beats every 60 s, watches its own EdgeDevice, reads its instances and applies their status over connections of its own; it runs no model. Bytes are those of its TCP connections.',
      ],
    };
  } finally {
    await server.stop();
  }
}

export const bench: Bench = { title: 'A large fleet', run };
