// The best placement there is, by looking at all of them: branch and bound, for small cases.
import { Usage } from '../../../controller/placement/scheduling/usage.ts';
import { type Board, type CostTable, optionOf, type Workload } from './fleet.ts';
import { feasibleBoards } from './policies.ts';

export interface Optimum {
  unplaced: number;
  watts: number;
}

/** As many replicas as can be placed, and among those the fewest watts above idle. */
export function optimumOf(workloads: readonly Workload[], boards: readonly Board[], costs: CostTable): Optimum {
  let best: Optimum = { unplaced: Number.POSITIVE_INFINITY, watts: Number.POSITIVE_INFINITY };
  const cheapest = workloads.map((workload) => Math.min(...boards.map((board) => wattsOn(costs, workload, board))));
  const visit = (index: number, sofar: Optimum, placed: readonly (readonly [Workload, Board])[]): void => {
    const rest = workloads.slice(index).reduce((sum, { view }, at) => sum + view.replicas * (cheapest[index + at] ?? 0), 0);
    if (sofar.unplaced > best.unplaced) return;
    if (sofar.unplaced === best.unplaced && sofar.watts + rest >= best.watts) return;
    const workload = workloads[index];
    if (!workload) {
      best = sofar;
      return;
    }
    const usage = usageOf(placed, costs);
    const feasible = feasibleBoards({ boards, costs }, workload, usage, []).sort(
      (a, b) => wattsOn(costs, workload, a) - wattsOn(costs, workload, b),
    );
    for (let count = Math.min(workload.view.replicas, feasible.length); count >= 0; count--)
      for (const chosen of combinations(feasible, count)) {
        const watts = chosen.reduce((sum, board) => sum + wattsOn(costs, workload, board), sofar.watts);
        const unplaced = sofar.unplaced + workload.view.replicas - count;
        visit(index + 1, { unplaced, watts }, [...placed, ...chosen.map((board) => [workload, board] as const)]);
      }
  };
  visit(0, { unplaced: 0, watts: 0 }, []);
  return best;
}

function wattsOn(costs: CostTable, workload: Workload, board: Board): number {
  const option = optionOf(costs, workload, board.className);
  return option.kind === 'allowed' ? (option.marginalWatts?.estimate ?? 0) : Number.POSITIVE_INFINITY;
}

function usageOf(placed: readonly (readonly [Workload, Board])[], costs: CostTable): Usage {
  const usage = new Usage();
  for (const [workload, board] of placed)
    usage.assume(board.name, { memoryBytes: workload.memoryBytes, option: optionOf(costs, workload, board.className) });
  return usage;
}

function* combinations(boards: readonly Board[], count: number): Generator<readonly Board[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (const [index, board] of boards.entries())
    for (const rest of combinations(boards.slice(index + 1), count - 1)) yield [board, ...rest];
}
