// Devices of a fleet.
import type { Command } from 'commander';
import { systemNamespace } from '../../crds/names.ts';
import { shared } from './shared-options.ts';

export function declareDevice(program: Command, signal: AbortSignal): void {
  const device = program.command('device').description('let devices join, and boards be replaced');
  device
    .command('token')
    .description('print a token that devices join with')
    .option('--valid <time>', 'how long: 90m, 24h, 7d', '24h')
    .option('--namespace <name>', 'of the controller', systemNamespace)
    .addOption(shared.kubeconfig())
    .addHelpText('after', '\nExample:\n  jouleops device token --valid 1h > token')
    .action(async (flags) => (await import('../commands/device.ts')).deviceToken(flags, signal));
  device
    .command('reset')
    .description('let another board join under the name of this one')
    .argument('<name>', 'of the device')
    .addOption(shared.kubeconfig())
    .addHelpText('after', '\nExample:\n  jouleops device reset hall-1-pi')
    .action(async (name, flags) => (await import('../commands/device.ts')).deviceReset(name, flags, signal));
}
