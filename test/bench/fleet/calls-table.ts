// Which API calls a change takes, and whose they are.
import type { BenchTable } from '../harness/bench.ts';
import { digits } from '../harness/format.ts';
import type { CallsByKind } from '../processes/api-calls.ts';

/** Rarer ones are summed up: a watch that is opened again, an election. */
const leastPerChange = 0.02;

export function callsTable({ controller, stubs }: { controller: CallsByKind; stubs: CallsByKind }, changes: number): BenchTable {
  const each = (calls: CallsByKind) => new Map(calls.map(([name, count]) => [name, count / changes]));
  const [byController, byStubs] = [each(controller), each(stubs)];
  const names = [...new Set([...byController.keys(), ...byStubs.keys()])];
  const of = (some: readonly string[]) =>
    [byController, byStubs].map((calls) => some.reduce((sum, name) => sum + (calls.get(name) ?? 0), 0));
  const total = (name: string) => (byController.get(name) ?? 0) + (byStubs.get(name) ?? 0);
  const frequent = names.filter((name) => total(name) >= leastPerChange).sort((a, b) => total(b) - total(a));
  const rare = names.filter((name) => total(name) < leastPerChange);
  const row = (title: string, some: readonly string[]) => [
    title,
    ...of(some).map((count) => (count === 0 ? '–' : digits(count))),
  ];
  return {
    caption: 'API calls per change. A PATCH of leases is a heartbeat: those fall into the time, not to a change.',
    columns: ['call', 'controller', 'stub agents'],
    rows: [...frequent.map((name) => row(name, [name])), ...(rare.length === 0 ? [] : [row('others', rare)]), row('all', names)],
  };
}
