import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap grow by a third beyond what is alive, where V8 on a machine with memory to spare lets it grow by several times:
 * a controller that brings 1,000 deployments to Ready holds 50 MB of live objects and kept 290 MB of heap. docs/benchmarks.md has both.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=30');
}
