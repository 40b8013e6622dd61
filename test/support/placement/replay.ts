// A day of a fleet under one policy, and what it cost.
import type { Board, CostTable, Workload } from './fleet.ts';
import { loadsOf, type Policy } from './policies.ts';

export interface Day {
  /** Above idle, of all boards together, as the boards really took it. */
  joules: number;
  /** Replicas that found no board. */
  unplaced: number;
  /** Share of its time that the busiest board was busy at the worst moment. */
  busiest: number;
}

export interface DayOptions {
  boards: readonly Board[];
  /** What the policy knows. */
  predicted: CostTable;
  /** What is billed. */
  actual: CostTable;
}

/** Workloads come and go; nobody is moved, as nobody is in the product. */
export function replay(trace: readonly Workload[], policy: Policy, { boards, predicted, actual }: DayOptions): Day {
  const day: Day = { joules: 0, unplaced: 0, busiest: 0 };
  let running: Workload[] = [];
  const places = new Map<string, readonly Board[]>();
  for (const newcomer of trace) {
    for (const { view } of running.filter(({ endHour }) => endHour <= newcomer.startHour)) places.delete(view.uid);
    running = [...running.filter(({ endHour }) => endHour > newcomer.startHour), newcomer];
    const situation = { boards, costs: predicted, workloads: running, places };
    const chosen = policy(situation, newcomer);
    places.set(newcomer.view.uid, chosen);
    day.unplaced += newcomer.view.replicas - chosen.length;
    day.busiest = Math.max(day.busiest, ...[...loadsOf(situation).loads.values()].map(({ busy }) => busy));
    const seconds = (newcomer.endHour - newcomer.startHour) * 3600;
    for (const { className } of chosen)
      day.joules += (actual[newcomer.model]?.[className].marginalJoules.estimate ?? 0) * newcomer.requestsPerSecond * seconds;
  }
  return day;
}

/** All at once, on an empty fleet: watts above idle and replicas without a board. */
export function placeAll(workloads: readonly Workload[], policy: Policy, boards: readonly Board[], costs: CostTable) {
  const places = new Map<string, readonly Board[]>();
  let watts = 0;
  let unplaced = 0;
  for (const [index, newcomer] of workloads.entries()) {
    const chosen = policy({ boards, costs, workloads: workloads.slice(0, index + 1), places }, newcomer);
    places.set(newcomer.view.uid, chosen);
    unplaced += newcomer.view.replicas - chosen.length;
    for (const { className } of chosen)
      watts += (costs[newcomer.model]?.[className].marginalJoules.estimate ?? 0) * newcomer.requestsPerSecond;
  }
  return { watts, unplaced };
}
