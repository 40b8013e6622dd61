import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();

/**
 * A process that a test started ends with the test's own, however that ends. One listener for all of them: with one each, a test with
 * more than ten would be told of a leak that is none.
 */
export function killAtExit(child: ChildProcess): void {
  if (running.size === 0) process.on('exit', killAll);
  running.add(child);
  child.once('exit', () => {
    running.delete(child);
    if (running.size === 0) process.off('exit', killAll);
  });
}

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}
