// The power goes at every operation on an agent's disk: how many states that leaves, and how soon each serves again.
import { createWorld } from '../integration/agent/world.ts';
import { type Life, liveThrough } from '../support/power-cut/life.ts';
import { type Cut, cuts, type Tree } from '../support/power-cut/medium.ts';
import { type Restart, restartOn } from '../support/power-cut/restart.ts';
import { cutEverywhere, describeState } from '../support/power-cut/states.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { judged, quantile, seconds } from './harness/format.ts';

const goalSeconds = 3;
const patienceSeconds = 30;
const attempts = 3;

const meaning: Record<Cut, string> = {
  killed: 'the process ended, the kernel kept all (kill -9)',
  lost: 'only what was synced is left, names and content',
  torn: 'names are left; content that was not synced is half there, then zeros',
  namesLost: 'content is left; names that were not synced are as before',
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const every = countOption(options, 'every', 1);
  const life = await liveAndLeave();
  const mayServe = (after: number) => life.marks.findLast((mark) => mark.from <= after)?.mayServe ?? [];
  const states = cutEverywhere(life.operations, mayServe);
  const due = states.distinct.filter((state) => mayServe(state.after).length > 0);
  const chosen = due.filter((_, index) => index % every === 0);
  options.note(`  ${life.operations.length} operations, ${states.points} points, ${due.length} states, ${chosen.length} starts`);
  const times = new Map<Cut, number[]>(cuts.map((cut) => [cut, []]));
  const wrong: string[] = [];
  for (const [index, state] of chosen.entries()) {
    options.signal.throwIfAborted();
    const { served, seconds: taken } = await fastestStart(state.tree, life);
    times.get(state.cut)?.push(taken);
    if (served === undefined || !mayServe(state.after).includes(served))
      wrong.push(`${describeState(state, life.operations)}: ${served ?? 'nothing'}`);
    if (index % 50 === 49) options.note(`  ${index + 1} starts, ${wrong.length} wrong`);
  }
  const rows = [...times.entries()]
    .filter(([, taken]) => taken.length > 0)
    .map(([cut, taken]) => [
      meaning[cut],
      String(taken.length),
      seconds(quantile(taken, 0.5)),
      judged(seconds(Math.max(...taken)), Math.max(...taken) <= goalSeconds),
    ]);
  return {
    tables: [
      {
        caption: `One life of an agent: it joins, serves, tests and promotes a candidate, renews its certificate, evicts, stops, starts. ${life.operations.length} operations on the disk, ${states.points} points of a cut (before and after each, and in the middle of each write), four kinds of cut at each. Of what is left, ${due.length} states that differ lie after the first model served; an agent was started on ${chosen.length} of them, with no server to reach.`,
        columns: ['what the cut left', 'starts', 'start to answer, p50', `largest (goal ≤ ${goalSeconds} s)`],
        rows,
      },
    ],
    remarks: [
      wrong.length === 0
        ? 'Every start served the last model that had served, or its successor where that was ordered and whole.'
        : `Wrong: ${wrong.join('; ')}.`,
      `A start that took longer than ${goalSeconds} s was tried again, ${attempts} times at most; the fastest counts.`,
      'Equal states are started once: reading and syncing change nothing that a process killed there would leave.',
    ],
  };
}

/** A machine with other work makes a start slow now and then; one that is slow of itself is slow each time. */
async function fastestStart(tree: Tree, life: Life): Promise<Restart> {
  let best = await restartOn(tree, life, patienceSeconds);
  for (let again = 1; again < attempts && best.seconds > goalSeconds; again++) {
    const next = await restartOn(tree, life, patienceSeconds);
    if (next.served !== undefined && next.seconds < best.seconds) best = next;
  }
  return best;
}

/** The world is gone afterwards: nothing that starts later has a server to reach. */
async function liveAndLeave(): Promise<Life> {
  await using world = await createWorld();
  return await liveThrough(world);
}

export const bench: Bench = { title: 'A cut of the power at every operation', run };
