// Ways to choose a board for a newcomer: ours, and those that it is compared with. All see the same feasible boards.
import { refusedByResources } from '../../../controller/placement/scheduling/feasible.ts';
import { schedule } from '../../../controller/placement/scheduling/schedule.ts';
import type { ExistingPlacement } from '../../../controller/placement/scheduling/types.ts';
import { Usage } from '../../../controller/placement/scheduling/usage.ts';
import { type Board, boardWatts, busyShare, type CostTable, optionOf, type Workload } from './fleet.ts';

/** Where a workload is, by its uid. */
export type Places = ReadonlyMap<string, readonly Board[]>;

export interface Situation {
  boards: readonly Board[];
  costs: CostTable;
  /** Of all workloads that run, the newcomer included. */
  workloads: readonly Workload[];
  places: Places;
}

/** The boards for a newcomer; fewer than its replicas where there are not enough. */
export type Policy = (situation: Situation, newcomer: Workload) => readonly Board[];

/** The product's own decision over the whole fleet: what runs stays, the newcomer is placed. */
export const leastEnergy: Policy = ({ boards, costs, workloads, places }, newcomer) => {
  const byName = new Map(boards.map((board) => [board.name, board]));
  const byUid = new Map(workloads.map((workload) => [workload.view.uid, workload]));
  const decisions = schedule({
    devices: boards,
    deployments: workloads.map(({ view }) => view),
    existing: new Map(
      [...places].map(([uid, on]) => [
        uid,
        on.map(
          ({ name }): ExistingPlacement => ({
            deviceName: name,
            occupied: true,
            memoryBytes: byUid.get(uid)?.memoryBytes ?? 0,
          }),
        ),
      ]),
    ),
    option: (view, device) => {
      const [workload, board] = [byUid.get(view.uid), byName.get(device.name)];
      if (!workload || !board) return { kind: 'refused', verdict: 'Unknown', message: 'it is gone' };
      return optionOf(costs, workload, board.className);
    },
  });
  const chosen = decisions.find(({ deploymentUid }) => deploymentUid === newcomer.view.uid)?.chosen ?? [];
  return chosen.flatMap((name) => byName.get(name) ?? []);
};

type Score = (board: Board, load: { busy: number; memoryBytes: number }, newcomer: Workload, costs: CostTable) => number;

/** One replica after the other, each on the feasible board with the highest score; ties go to the first name. */
function byScore(score: Score): Policy {
  return (situation, newcomer) => {
    const { usage, loads } = loadsOf(situation);
    const taken: Board[] = [];
    while (taken.length < newcomer.view.replicas) {
      const feasible = feasibleBoards(situation, newcomer, usage, taken);
      const scored = feasible.map((board) => ({
        board,
        score: score(board, loads.get(board.name) ?? nothing, newcomer, situation.costs),
      }));
      const [best] = scored.sort((a, b) => b.score - a.score || (a.board.name < b.board.name ? -1 : 1));
      if (!best) break;
      taken.push(best.board);
    }
    return taken;
  };
}

const nothing = { busy: 0, memoryBytes: 0 };

/**
 * kube-scheduler's NodeResourcesFit (LeastAllocated) and NodeResourcesBalancedAllocation, weight 1 each, over cpu and memory.
 * A pod has one cpu request for all nodes: here the share that the slower class needs.
 */
export const kubeDefault = byScore((board, load, newcomer, costs) => {
  const cpu = Math.min(1, load.busy + requestOf(newcomer, costs));
  const memory = Math.min(1, (load.memoryBytes + newcomer.memoryBytes) / board.memoryBytes);
  const leastAllocated = 100 * (1 - (cpu + memory) / 2);
  const balanced = 100 * (1 - Math.abs(cpu - memory) / 2);
  return leastAllocated + balanced;
});

/**
 * PEAKS (kubernetes-sigs/scheduler-plugins): the least jump of K0 + K1·exp(K2·u) from the node's utilisation u, in percent, to the
 * one with the pod. K2 is that of its sample configuration; K1 makes the curve go from the board's idle watts to those at work.
 */
export const peaks = byScore((board, load, newcomer, costs) => {
  const { idle, busy } = boardWatts[board.className];
  const k2 = -0.0719;
  const k1 = (busy - idle) / (Math.exp(100 * k2) - 1);
  const after = 100 * (load.busy + requestOf(newcomer, costs));
  const jump = k1 * (Math.exp(k2 * after) - Math.exp(k2 * 100 * load.busy));
  return -jump;
});

export function atRandom(random: () => number): Policy {
  return byScore(() => random());
}

function requestOf(workload: Workload, costs: CostTable): number {
  return Math.max(busyShare(costs, workload, 'raspberry-pi-5'), busyShare(costs, workload, 'jetson-nano'));
}

/** What every board carries: for feasibility as the product counts it, and as utilisation. */
export function loadsOf({ costs, workloads, places }: Situation) {
  const usage = new Usage();
  const loads = new Map<string, { busy: number; memoryBytes: number }>();
  for (const workload of workloads)
    for (const board of places.get(workload.view.uid) ?? []) {
      const option = optionOf(costs, workload, board.className);
      usage.assume(board.name, { memoryBytes: workload.memoryBytes, option });
      const load = loads.get(board.name) ?? nothing;
      loads.set(board.name, {
        busy: load.busy + busyShare(costs, workload, board.className),
        memoryBytes: load.memoryBytes + workload.memoryBytes,
      });
    }
  return { usage, loads };
}

export function feasibleBoards(
  { boards, costs }: Pick<Situation, 'boards' | 'costs'>,
  newcomer: Workload,
  usage: Usage,
  taken: readonly Board[],
): Board[] {
  return boards.filter((board) => {
    const option = optionOf(costs, newcomer, board.className);
    return (
      !taken.includes(board) &&
      option.kind === 'allowed' &&
      refusedByResources(newcomer.view, board, option, usage.of(board.name)) === undefined
    );
  });
}
