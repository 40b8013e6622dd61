#!/usr/bin/env node
// The command line. Each command is loaded when it is called, so `predict` does not pay for the control plane.
import { Command, CommanderError } from 'commander';
import { productVersion } from '../crds/product-version.ts';
import { ConnectionError } from '../kube/api/api-error.ts';
import { declareConformance } from './declarations/conformance.ts';
import { declareDevice } from './declarations/device.ts';
import { declareEnergy } from './declarations/energy.ts';
import { declareFleet } from './declarations/fleet.ts';
import { declareModel } from './declarations/model.ts';
import { declareProcesses } from './declarations/processes.ts';
import { declareRollout } from './declarations/rollout.ts';
import { shared } from './declarations/shared-options.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { abortOnSignals } from './interrupt.ts';

const program = new Command('jouleops')
  .description('GitOps for machine-learning models on an energy budget')
  .version(productVersion, '-V, --version')
  .exitOverride()
  .showHelpAfterError('  next: "jouleops --help", or --help after a command, says what it takes')
  .configureHelp({ sortSubcommands: false })
  .addHelpText(
    'after',
    `
Examples:
  jouleops up --simulate raspberry-pi-5=1 --fleet manifests/examples
  jouleops predict model.onnx --device raspberry-pi-5 --boundary CoreRail
  jouleops status --output json

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the answer is no (refused, not converged), 130 interrupted.`,
  );

const interrupt = abortOnSignals();
const signal = interrupt.signal;

declareProcesses(program, signal);
declareFleet(program, signal);
declareRollout(program, signal);
declareEnergy(program, signal);
declareModel(program, signal);
declareDevice(program, signal);
declareConformance(program, signal);

program
  .command('version')
  .description('print versions')
  .addOption(shared.output())
  .action(async (flags) => (await import('./commands/version.ts')).version(flags));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (signal.aborted) return exitCodes.interrupted;
  if (error instanceof CommandError) {
    process.stderr.write(`jouleops: ${error.message}\n  next: ${error.next}\n`);
    return error.exitCode;
  }
  const lost =
    error instanceof ConnectionError ? 'see that the API server runs ("jouleops up"), or name another --kubeconfig' : undefined;
  const { message, next = lost } = error as { message?: string; next?: string };
  process.stderr.write(`jouleops: ${message ?? String(error)}\n${next ? `  next: ${next}\n` : ''}`);
  if (process.env['JOULEOPS_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCodes.failed;
}
