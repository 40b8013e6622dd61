import { execFileSync } from 'node:child_process';
import { cpus, getPriority, loadavg, totalmem } from 'node:os';

/** What a reader needs to judge the numbers; nothing that names a machine. */
export function describeMachine(date: Date): string {
  const processors = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  const [load = 0] = loadavg();
  return `${date.toISOString().slice(0, 10)} · ${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'} · ${gibibytes} GiB · Node ${process.versions.node} · load average of the last minute before the run ${load.toFixed(1)}${priority()}${revision()}`;
}

/** Where other work had to wait for this. */
function priority(): string {
  const nice = getPriority();
  return nice === 0 ? '' : ` · nice ${nice}`;
}

function revision(): string {
  try {
    return ` · revision ${execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()}`;
  } catch {
    return '';
  }
}
