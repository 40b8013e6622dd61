// A large fleet of protocol stubs: what it costs at rest, and how soon a change reaches a device.
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { modelDeployments } from '../../crds/resources.ts';
import { eventually } from '../support/eventually.ts';
import { type BenchServer, type ServerKind, startBenchServer } from './fleet/api-servers.ts';
import { callsTable } from './fleet/calls-table.ts';
import { declareDeployments } from './fleet/declare.ts';
import { Fleet, inParallel } from './fleet/fleet.ts';
import { namespace, numbered, versionNames } from './fleet/objects.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { digits, judged, mebibytes, milliseconds, percent, quantile, seconds } from './harness/format.ts';
import { stubsWithTwoConnections } from './harness/open-files.ts';
import { cpuSecondsOf, memoryOf, watchMemory } from './harness/process-usage.ts';
import type { ControllerCalls } from './processes/controller.ts';

const goal = { kilobitsPerSecond: 0.25, convergedSeconds: 5, cpuSecondsEach: 0.05 };
/** Two heartbeats of every agent. */
const defaultRestSeconds = 120;

/** A stub that has just joined has a third connection for as long as one without a call is kept: 75 s, at 50 and more that join in a second. */
const joiningAtMost = 4000;
/** Until all have converged: a server that is slow is measured, one that hangs ends the run. */
const longestSeconds = 900;
/** Longer than the 75 s for which a connection without a call is kept: the busy moment before is over then. */
const defaultSettleSeconds = 80;

interface CpuSeconds {
  controller: number;
  /** One entry for each process of the API server. */
  server: { name: string; seconds: number }[];
  stubs: number;
}

async function cpuOf({ controller, server, stubs }: Fleet): Promise<CpuSeconds> {
  const each = await Promise.all(stubs.map(({ worker }) => cpuSecondsOf(worker.pid)));
  return {
    controller: await cpuSecondsOf(controller.pid),
    server: await Promise.all(server.processes.map(async ({ name, pid }) => ({ name, seconds: await cpuSecondsOf(pid) }))),
    stubs: each.reduce((sum, one) => sum + one, 0),
  };
}

function difference(after: CpuSeconds, before: CpuSeconds): CpuSeconds {
  return {
    controller: after.controller - before.controller,
    server: after.server.map(({ name, seconds: total }, index) => ({
      name,
      seconds: total - (before.server[index]?.seconds ?? 0),
    })),
    stubs: after.stubs - before.stubs,
  };
}

/** The sum over the processes of a server and, where there are several, what each has of it. */
function inParts(parts: readonly { name: string; value: number }[], show: (value: number) => string): string {
  const sum = show(parts.reduce((all, { value }) => all + value, 0));
  return parts.length < 2 ? sum : `${sum} (${parts.map(({ name, value }) => `${name} ${show(value)}`).join(', ')})`;
}

const partsOf = ({ server }: CpuSeconds, per: number) => server.map(({ name, seconds: total }) => ({ name, value: total / per }));

async function residentOf({ processes }: BenchServer): Promise<{ name: string; value: number }[]> {
  return Promise.all(processes.map(async ({ name, pid }) => ({ name, value: (await memoryOf(pid)).residentBytes })));
}

async function measureRest(fleet: Fleet, restSeconds: number) {
  const [cpuBefore, before] = [await cpuOf(fleet), await fleet.traffic()];
  const memory = watchMemory(fleet.controller.pid, 2000);
  await fleet.stubCalls();
  const started = performance.now();
  await delay(restSeconds * 1000);
  const elapsed = (performance.now() - started) / 1000;
  const after = await fleet.traffic();
  const perSecond = (bytes: number) => bytes / elapsed / after.agents;
  return {
    readPerSecond: perSecond(after.read - before.read),
    writtenPerSecond: perSecond(after.written - before.written),
    connections: after.connections / after.agents,
    agents: after.agents,
    cpu: difference(await cpuOf(fleet), cpuBefore),
    elapsed,
    stubCalls: await fleet.stubCalls(),
    serverMemory: await residentOf(fleet.server),
    memory: await memory.stop(),
  };
}

async function measureChanges(fleet: Fleet, count: number, perSecond: number, { note, signal }: BenchOptions) {
  const { controller, deployments } = fleet;
  await Promise.all([controller.call('calls'), fleet.stubCalls()]);
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
    longestSeconds,
    100,
  );
  const elapsed = (performance.now() - started) / 1000;
  const waits = written.map(
    ({ name, generation, at }) => ((deployments.convergedAt(name, generation) ?? Number.NaN) - at) / 1000,
  );
  const calls = await controller.call<ControllerCalls>('calls');
  const stubCalls = await fleet.stubCalls();
  note(`  the last converged after ${elapsed.toFixed(1)} s; calls ${JSON.stringify(calls.byKind)}, ${JSON.stringify(stubCalls)}`);
  return {
    waits,
    elapsed,
    cpuSeconds: difference(await cpuOf(fleet), cpuBefore),
    eventsPerSecond: calls.events / elapsed,
    calls: { controller: calls.byKind, stubs: stubCalls },
    memory: await memory.stop(),
  };
}

function judgedCpu(each: number): string {
  return judged(seconds(each), each <= goal.cpuSecondsEach);
}

/** Heartbeats that fell into the time are in it. */
function coresAt(perSecond: number, cpu: CpuSeconds, changes: number): number {
  const server = cpu.server.reduce((sum, { seconds: one }) => sum + one, 0);
  return ((cpu.controller + server + cpu.stubs) / changes) * perSecond;
}

/** Where the time goes: a process near 100 % is what the others wait for, and a sum near 100 % of each core means the machine is. */
function sharesOf(cpu: CpuSeconds, elapsed: number): string {
  return [percent(cpu.controller / elapsed), inParts(partsOf(cpu, elapsed), percent), percent(cpu.stubs / elapsed)].join(', ');
}

async function run(options: BenchOptions): Promise<BenchResult> {
  const agents = countOption(options, 'agents', 1000);
  const changes = Math.min(agents, countOption(options, 'changes', 1000));
  const perSecond = countOption(options, 'rate', 50);
  const restSeconds = countOption(options, 'rest', defaultRestSeconds);
  const settleSeconds = countOption(options, 'settle', defaultSettleSeconds);
  const keeping = await stubsWithTwoConnections(agents, Math.max(changes, joiningAtMost));
  const server = await startBenchServer((options.values['server'] ?? 'embedded') as ServerKind, options.note);
  if (!server) throw new Error('this machine has no kube-apiserver');
  try {
    await using fleet = await Fleet.start({ server, agents, keeping, note: options.note, signal: options.signal });
    await declareDeployments(fleet, changes, options.signal);
    options.note(`  ${changes} deployments serve; at rest for ${settleSeconds} and ${restSeconds} s`);
    await delay(settleSeconds * 1000);
    const rest = await measureRest(fleet, restSeconds);
    options.note(`  calls of the stubs at rest ${JSON.stringify(rest.stubCalls)}`);
    options.note(`  ${changes} changes at ${perSecond} per second`);
    const changed = await measureChanges(fleet, changes, perSecond, options);
    const kilobitsOf = (bytesPerSecond: number) => (bytesPerSecond * 8) / 1000;
    const kilobits = kilobitsOf(rest.readPerSecond + rest.writtenPerSecond);
    const slow = quantile(changed.waits, 0.99);
    return {
      tables: [
        {
          caption: `${agents.toLocaleString('en')} stubs on the ${server.kind === 'embedded' ? 'embedded API server' : 'real kube-apiserver'}, ${changes.toLocaleString('en')} deployments; at rest for ${restSeconds} s, from ${settleSeconds} s after the last was Ready.`,
          columns: ['at rest', 'goal', 'measured'],
          rows: [
            [
              'bytes per agent, TLS included',
              `≤ ${goal.kilobitsPerSecond} kbit/s`,
              judged(`${digits(kilobits)} kbit/s`, kilobits <= goal.kilobitsPerSecond),
            ],
            [
              'of it to the agent, from it',
              '–',
              `${digits(kilobitsOf(rest.readPerSecond))}, ${digits(kilobitsOf(rest.writtenPerSecond))} kbit/s`,
            ],
            ['connections per agent', '–', digits(rest.connections)],
            ['controller, processor time of one core', '–', percent(rest.cpu.controller / rest.elapsed)],
            ['controller, resident (peak of its life)', '–', mebibytes(rest.memory.residentBytes)],
            ['API server, processor time of one core', '–', inParts(partsOf(rest.cpu, rest.elapsed), percent)],
            ['API server, resident', '–', inParts(rest.serverMemory, mebibytes)],
            ['stub agents, all, processor time of one core', '–', percent(rest.cpu.stubs / rest.elapsed)],
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
            ['API server, processor time per change', '–', inParts(partsOf(changed.cpuSeconds, changes), seconds)],
            ['stub agents, processor time per change', '–', seconds(changed.cpuSeconds.stubs / changes)],
            [
              `cores that ${perSecond} changes per second take, all processes together`,
              `${availableParallelism()} are there`,
              digits(coresAt(perSecond, changed.cpuSeconds, changes)),
            ],
            ['of one core: controller, API server, stub agents', '–', sharesOf(changed.cpuSeconds, changed.elapsed)],
            ['controller, resident (peak)', '–', mebibytes(changed.memory.residentBytes)],
          ],
        },
        callsTable(changed.calls, changes),
      ],
      remarks: [
        'A stub joins, beats every 60 s, watches its own EdgeDevice, reads its instances and applies their status over connections of its own; it runs no model. Bytes are those of its TCP connections.',
        ...(server.kind === 'embedded'
          ? []
          : [
              'No kube-controller-manager signs here: the devices are made beforehand, and the stubs speak as the administrator.',
            ]),
        ...(keeping === agents
          ? []
          : [
              `A process may open no more files here: ${(agents - keeping).toLocaleString('en')} of the stubs keep their watch as the product does, and close the connection for their calls after use. Bytes and connections are those of the other ${rest.agents.toLocaleString('en')}, which keep both.`,
            ]),
      ],
    };
  } finally {
    await server.stop();
  }
}

export const bench: Bench = { title: 'A large fleet', run };
