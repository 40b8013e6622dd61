/** npm passes Ctrl-C on to a process that the terminal has already told: two signals this close are one wish. */
const sameWishMilliseconds = 1000;

/**
 * The process's one AbortController: the first SIGINT or SIGTERM asks everything to stop, a later one insists. A process that was
 * started with a channel to its parent also stops when that is gone: a parent that is killed can ask nothing any more.
 */
export function abortOnSignals(): AbortController {
  const controller = new AbortController();
  let first = 0;
  process.once('disconnect', () => controller.abort(new Error('the process that started this one is gone')));
  process.channel?.unref(); // the channel alone is no reason to run
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) {
        first = performance.now();
        controller.abort(new Error(`stopped by ${name}`));
      } else if (performance.now() - first > sameWishMilliseconds) {
        process.exit(130);
      }
    });
  }
  return controller;
}
