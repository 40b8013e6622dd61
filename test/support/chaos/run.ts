// Kills processes of the product at seeded moments while users change what they declare, and asks afterwards what is lost.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.ts';
import { seededRandom } from '../faults/random.ts';
import { unfinished } from './convergence.ts';
import { Declarations, steadyName } from './declarations.ts';
import { type ChaosServer, type ChaosWorld, startChaosWorld } from './world.ts';

export interface ChaosResult {
  server: string;
  seed: number;
  seconds: number;
  /** By the name of the process. */
  kills: Record<string, number>;
  acknowledged: number;
  /** Attempts that were not answered and made again. */
  repeated: number;
  probes: number;
  /** Of an agent that lived at the time: whatever died elsewhere must not be felt here. */
  probesFailed: string[];
  convergedSeconds: number;
  /** What was open after the last kill, and when that changed. */
  waitedFor: string[];
  lost: string[];
  unfinished: string[];
}

/** The same seed makes the same sequence of victims, pauses and declarations. */
export async function runChaos({ name, start }: ChaosServer, seed: number, seconds: number): Promise<ChaosResult> {
  const end = new AbortController();
  const signal = AbortSignal.any([end.signal, AbortSignal.timeout((seconds + 150) * 1000)]);
  await using world = await startChaosWorld(start, signal);
  const declarations = new Declarations(world.client, seededRandom(seed));
  await declarations.declareAll(signal);
  await eventually(() => mustBeFinished(world, signal), 60, 200);

  const storm = new AbortController();
  const probes = new Probes(world);
  const probing = probes.run(storm.signal);
  const changing = changeUntil(declarations, storm.signal, signal);
  const kills = await killFor(world, probes, seededRandom(seed + 1), seconds);
  storm.abort();
  await changing;
  const calmAt = performance.now();
  const waitedFor: string[] = [];
  const open = await eventually(
    async () => {
      const still = await unfinished(world, signal);
      if (still.join() !== waitedFor.at(-1)?.split(': ').slice(1).join(': ')) {
        waitedFor.push(`${((performance.now() - calmAt) / 1000).toFixed(1)} s: ${still.join()}`);
      }
      if (still.length > 0) throw new Error(still.join('; '));
      return [];
    },
    60,
    200,
  ).catch((error: Error) => [error.message]);
  const convergedSeconds = (performance.now() - calmAt) / 1000;
  await probing;
  const { acknowledged, repeated } = declarations;
  const lost = await declarations.differences(signal);
  await keepLogs(world);
  end.abort();
  return {
    server: name,
    seed,
    seconds,
    kills,
    acknowledged,
    repeated,
    probes: probes.made,
    probesFailed: probes.failed,
    convergedSeconds,
    waitedFor,
    lost,
    unfinished: open,
  };
}

async function mustBeFinished(world: ChaosWorld, signal: AbortSignal): Promise<void> {
  const open = await unfinished(world, signal);
  if (open.length > 0) throw new Error(open.join('; '));
}

async function changeUntil(declarations: Declarations, storm: AbortSignal, signal: AbortSignal): Promise<void> {
  while (!storm.aborted) {
    await declarations.change(signal);
    await delay(300, undefined, { signal: storm }).catch(() => undefined);
  }
}

async function killFor(
  world: ChaosWorld,
  probes: Probes,
  random: () => number,
  seconds: number,
): Promise<Record<string, number>> {
  const kills: Record<string, number> = {};
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    await delay(500 + random() * 3500);
    const victim = world.victims[Math.floor(random() * world.victims.length)];
    if (!victim) throw new Error('there is nobody to kill');
    kills[victim.name] = (kills[victim.name] ?? 0) + 1;
    if (victim.feltBy !== undefined) probes.excuse(victim.feltBy);
    await victim.kill();
    await delay(random() * 1000);
    await victim.start();
  }
  return kills;
}

/** An agent may answer once more before it hears that a model of its is gone. */
const feltMilliseconds = 1000;

/** Asks each agent all the time whether the steady model is ready. An agent that was killed is excused until it answers again. */
class Probes {
  made = 0;
  readonly failed: string[] = [];
  readonly #world: ChaosWorld;
  readonly #excusedSince = new Map<string, number>();

  constructor(world: ChaosWorld) {
    this.#world = world;
  }

  excuse(name: string): void {
    this.#excusedSince.set(name, performance.now());
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#world.agents.map(({ name, url }) => this.#probe(name, url, signal)));
  }

  async #probe(name: string, url: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const at = performance.now();
      const problem = await ask(`${url}/v2/models/${steadyName}/ready`);
      const since = this.#excusedSince.get(name);
      // Until it answers again; if it never does, the fleet does not converge.
      const excused = since !== undefined;
      this.made += 1;
      if (problem === undefined && since !== undefined && at > since + feltMilliseconds) this.#excusedSince.delete(name);
      if (problem !== undefined && !excused) this.failed.push(`${name}: ${problem}`);
      await delay(100, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function ask(url: string): Promise<string | undefined> {
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    return status === 200 ? undefined : `answered ${status}`;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/** For reading afterwards: CHAOS_LOGS names a directory. */
async function keepLogs({ directory }: ChaosWorld): Promise<void> {
  const kept = process.env['CHAOS_LOGS'];
  if (kept === undefined) return;
  for (const name of ['controller.log', 'pi-a.log', 'pi-b.log']) await cp(join(directory, name), join(kept, name));
}
