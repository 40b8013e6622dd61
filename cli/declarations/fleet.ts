// What is deployed, and what a change would do.
import type { Command } from 'commander';
import { shared } from './shared-options.ts';

export function declareFleet(program: Command, signal: AbortSignal): void {
  program
    .command('plan')
    .description('what a change of a fleet would do: admitted, refused and why, where it would go, and what it would use')
    .option('-f, --files <dir>', 'directory of manifests', '.')
    .option('--from <ref>', 'compare with this commit of the Git repository that the directory lies in')
    .option('--to <ref>', 'the commit to plan for; default: the files as they are')
    .option('--devices <paths...>', 'files or directories with EdgeDevices and DeviceClasses')
    .option('--live', 'compare with a cluster, instead of --from and --devices', false)
    .option(
      '--kubeconfig <file>',
      'of that cluster; implies --live. Default: KUBECONFIG, else .jouleops/kubeconfig, else ~/.kube/config',
    )
    .option('--repository <name>', 'NAMESPACE/NAME of the FleetRepository whose content the files are; implies --live')
    .option('--namespace <name>', 'of objects that name none', 'default')
    .option('--no-prune', 'what is declared no more stays')
    .option('--max-increase <percent>', 'answer no when the power of all models rises by more')
    .addOption(shared.modelStore())
    .addOption(shared.allowHost())
    .addOption(shared.allowPrivateSources())
    .addOption(shared.sourceCa())
    .option('--cache-dir <dir>', 'where models and what was read of them are kept; default: ~/.cache/jouleops/plan')
    .option('--output <format>', 'text, json or markdown', 'text')
    .addHelpText(
      'after',
      '\nExit code 3 when something that changes is refused, finds too few devices, or cannot be read.\n\nExample:\n  jouleops plan --files fleet --from origin/main --devices devices.yaml --output markdown',
    )
    .action(async (flags) => (await import('../commands/plan.ts')).plan(flags, signal));
  program
    .command('status')
    .description('what is deployed where, and what it uses')
    .addOption(shared.kubeconfig())
    .addOption(shared.output())
    .addHelpText('after', '\nExit code 3 while a deployment is not Ready.')
    .action(async (flags) => (await import('../commands/status.ts')).status(flags, signal));
}
