// Models in registries.
import type { Command } from 'commander';
import { shared } from './shared-options.ts';

export function declareModel(program: Command, signal: AbortSignal): void {
  const model = program.command('model').description('models in OCI registries');
  model
    .command('push')
    .description('push an .onnx file, or a folder with one, and print the ModelVersion to commit')
    .argument('<target>', 'file or folder; a model.yaml in it says names and labels')
    .argument('<uri>', 'oci://host/repository:tag')
    .addOption(shared.username())
    .addOption(shared.passwordFile())
    .addOption(shared.registryCa())
    .option('--output <format>', 'table (YAML of the ModelVersion) or json', 'table')
    .addHelpText(
      'after',
      '\nExample:\n  jouleops model push model_store/machine-state/2 oci://registry.example.org/models/machine-state:2',
    )
    .action(async (target, uri, flags) => (await import('../commands/model.ts')).modelPush(target, uri, flags, signal));
  model
    .command('inspect')
    .description('what a registry holds under a name')
    .argument('<uri>', 'oci://host/repository:tag')
    .addOption(shared.username())
    .addOption(shared.passwordFile())
    .addOption(shared.registryCa())
    .addOption(shared.output())
    .action(async (uri, flags) => (await import('../commands/model.ts')).modelInspect(uri, flags, signal));
}
