// Tries every fault on one server and writes down what it did, and what came of it.
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '../../../kube/api/connection.ts';
import { type Clock, systemClock } from '../../../kube/runtime/clock.ts';
import { createTestAuthority } from '../control-plane/certificates.ts';
import { eventually } from '../eventually.ts';
import { FaultProxy } from '../fault-proxy.ts';
import { AgentUnderFaults } from './agent.ts';
import { type FaultCase, type FaultWorld, faultCases } from './cases.ts';
import type { Verdict } from './ledger.ts';
import { seededRandom } from './random.ts';
import type { FaultTarget } from './target.ts';
import { Workload } from './workload.ts';

export interface FaultResult extends Verdict {
  fault: string;
  injected: number;
  acknowledged: number;
  failed: number;
  relists: number;
  reconnects: number;
  /** That the agent answered, and that it did not. */
  inferences: number;
  unanswered: string[];
  /** From the end of the fault until caches, copies, queue, election and agent are as they should be. */
  convergedSeconds: number;
  /** Why they are not. */
  stuck?: string;
}

export interface MatrixResult {
  results: FaultResult[];
  mostLeaders: number;
  /** Connections and watches that clients held open through the proxy, before the first and after the last fault. */
  atRest: { connections: number; watches: number }[];
}

const patienceSeconds = 20;

export async function runMatrix(target: FaultTarget, seed: number): Promise<MatrixResult> {
  const random = seededRandom(seed);
  const authority = await createTestAuthority('fault-proxy');
  const proxy = await FaultProxy.start({ upstream: target.admin, serving: await authority.issueServer(['127.0.0.1']) });
  const jump = { milliseconds: 0 };
  const clock: Clock = { ...systemClock, now: () => Date.now() + jump.milliseconds };
  const published = { token: 'token', authority: authority.certificatePem };
  // As from files: a client has what it read last, and reads again when it is told to.
  const readConnection = (): Connection => {
    const { token, authority: certificateAuthority } = published;
    return { server: proxy.url, certificateAuthority, token: async () => token, refresh: async () => readConnection() };
  };
  try {
    await using workload = new Workload({ proxied: readConnection(), direct: target.admin }, { clock, random });
    await workload.start();
    const world: FaultWorld = {
      proxy,
      target,
      workload,
      random,
      jumpClock: (milliseconds) => {
        proxy.injected += 1;
        jump.milliseconds = milliseconds;
      },
      issueToken: (token) => {
        published.token = token;
      },
      publishAuthority: (pem) => {
        proxy.injected += 1;
        published.authority = pem;
      },
    };
    await eventually(() => workload.mustHaveConverged(), patienceSeconds);
    await using agent = await AgentUnderFaults.start({
      target,
      clock,
      url: proxy.url,
      certificateAuthority: () => published.authority,
    });
    const atRest = () => ({ connections: proxy.connections, watches: proxy.openWatches });
    const before = atRest();
    const results: FaultResult[] = [];
    for (const fault of faultCases) results.push(await tryFault(fault, world, agent));
    return { results, mostLeaders: workload.mostLeaders, atRest: [before, atRest()] };
  } finally {
    await proxy.close();
  }
}

async function tryFault(
  { says, inject, anew = false }: FaultCase,
  world: FaultWorld,
  agent: AgentUnderFaults,
): Promise<FaultResult> {
  const { proxy, workload } = world;
  const { ledger } = workload;
  const before = {
    injected: proxy.injected,
    acknowledged: ledger.acknowledged,
    failed: ledger.failed,
    inferences: agent.answered,
    unanswered: agent.unanswered.length,
    wrong: agent.wrong.length,
    ...workload.repairs(),
  };
  const enough = new AbortController();
  const writing = workload.write(enough.signal);
  await delay(200);
  const declaring = agent.declareNext({ anew });
  await inject(world);
  const ended = performance.now();
  enough.abort();
  await writing;
  const beatsBefore = await eventually(() => agent.beats(), patienceSeconds);
  const stuck = await mustConverge(workload, agent, { declaring, beatsBefore });
  const convergedSeconds = (performance.now() - ended) / 1000;
  const after = workload.repairs();
  const { lost, wrong } = await workload.judge();
  return {
    fault: says,
    injected: proxy.injected - before.injected,
    acknowledged: ledger.acknowledged - before.acknowledged,
    failed: ledger.failed - before.failed,
    relists: after.relists - before.relists,
    reconnects: after.reconnects - before.reconnects,
    inferences: agent.answered - before.inferences,
    unanswered: agent.unanswered.slice(before.unanswered),
    convergedSeconds,
    ...(stuck === undefined ? {} : { stuck }),
    lost,
    wrong: [...wrong, ...agent.wrong.slice(before.wrong)],
  };
}

/** Why it has not come to rest in time; undefined when it has. */
async function mustConverge(
  workload: Workload,
  agent: AgentUnderFaults,
  { declaring, beatsBefore }: { declaring: Promise<void>; beatsBefore: number },
): Promise<string | undefined> {
  try {
    await declaring;
    await eventually(() => workload.mustHaveConverged(), patienceSeconds);
    await eventually(() => agent.mustHaveConverged(beatsBefore), patienceSeconds);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
