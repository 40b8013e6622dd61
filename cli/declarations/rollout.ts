// The words of `jouleops rollout`; what they do is loaded when one is called.
import type { Command } from 'commander';
import { shared } from './shared-options.ts';

export function declareRollout(program: Command, signal: AbortSignal): void {
  const rollout = program.command('rollout').description('watch and steer the rollout of a deployment');
  const add = (name: string, description: string) =>
    rollout
      .command(name)
      .description(description)
      .argument('<deployment>', 'name of the ModelDeployment')
      .option('-n, --namespace <name>', 'of the deployment', 'default')
      .addOption(shared.kubeconfig())
      .addOption(shared.output());
  add('status', 'how far it is, class by class')
    .option('--watch', 'wait until it is complete or needs a person (default)', true)
    .option('--no-watch', 'say how it is now')
    .option('--timeout <time>', 'longest wait: 90s, 5m; 0: no limit', '0')
    .addHelpText('after', '\nExit code 3 while it is not complete.')
    .action(async (name, flags) => (await import('../commands/rollout-status.ts')).rolloutStatus(name, flags, signal));
  add('promote', 'let it pass the gate or the verdict where it waits for a person')
    .option('--step <n>', 'from 0; needed when classes wait at different steps, or to let pass what is still tested')
    .addHelpText('after', '\nExit code 3 when nothing waits.')
    .action(async (name, flags) => (await import('../commands/rollout.ts')).rolloutPromote(name, flags, signal));
  add('abort', 'reject the revision that is being rolled out, on every class')
    .addHelpText('after', '\nExit code 3 when no rollout is under way.')
    .action(async (name, flags) => (await import('../commands/rollout.ts')).rolloutAbort(name, flags, signal));
  add('retry', 'forget the rejection of the current revision and try it again')
    .addHelpText('after', '\nExit code 3 when it is not rejected.')
    .action(async (name, flags) => (await import('../commands/rollout.ts')).rolloutRetry(name, flags, signal));
  add('history', 'revisions, what became of them, and why').action(async (name, flags) =>
    (await import('../commands/rollout-history.ts')).rolloutHistory(name, flags, signal),
  );
  add('undo', 'go back to an earlier revision; where Git owns the deployment, say what to change there')
    .option('--to-revision <n>', 'default: the newest other one that was rolled out and not rejected')
    .addHelpText('after', '\nExit code 3 when Git has to be changed, or there is nothing to go back to.')
    .action(async (name, flags) => (await import('../commands/rollout-history.ts')).rolloutUndo(name, flags, signal));
}
