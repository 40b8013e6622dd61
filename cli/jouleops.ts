#!/usr/bin/env node
// The command line. Each command is loaded when it is called, so `predict` does not pay for the control plane.
import { Command, CommanderError, Option } from 'commander';
import { systemNamespace } from '../crds/names.ts';
import { productVersion } from '../crds/product-version.ts';
import { ConnectionError } from '../kube/api/api-error.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { abortOnSignals } from './interrupt.ts';
import { registerRollout } from './rollout/register.ts';

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

program
  .command('up')
  .description('run the whole product on this machine: embedded control plane, controller, agents')
  .option('--data-dir <dir>', 'where everything is kept', '.jouleops')
  .option('--port <n>', 'port of the Kubernetes API, 0 for a free one', '7443')
  .option('--web-port <n>', 'port of the web API and metrics, 0 for a free one', '7480')
  .option('--simulate <devices>', 'simulated boards, CLASS=COUNT separated by commas, or none', 'none')
  .option('--fleet <dir-or-url>', 'directory of manifests, or Git repository (https, ssh, file), to apply and keep applied')
  .option('--once', 'stop when everything has converged or was refused', false)
  .addHelpText('after', '\nExample:\n  jouleops up --simulate raspberry-pi-5=1,jetson-nano=1 --fleet manifests/examples')
  .action(async (flags) => (await import('./commands/up.ts')).up(flags, signal));

program
  .command('controller')
  .description('run the controller against any Kubernetes API server')
  .option('--kubeconfig <file>', 'default: KUBECONFIG, ~/.kube/config, or the pod’s service account')
  .option('--data-dir <dir>', 'artifacts and analyses', '/var/lib/jouleops')
  .option('--web-host <address>', 'address of the web port', '127.0.0.1')
  .option('--web-port <n>', 'web API, metrics and probes', '7480')
  .option('--device-host <address>', 'address of the device port', '127.0.0.1')
  .option('--device-port <n>', 'where devices join and fetch artifacts', '7481')
  .option('--device-url <url>', 'how devices reach the device port, when it is not https://HOST:PORT')
  .option('--api-server-url <url>', 'how devices reach the API server, when it is not the kubeconfig’s')
  .option('--api-server-ca <file>', 'its CA in PEM, when it is not the kubeconfig’s')
  .option('--model-store <dir>', 'root of store:// sources', 'model_store')
  .option('--agents-namespace <name>', 'where agents run as pods: they find the device port in a ConfigMap there')
  .option('--allow-host <hosts...>', 'hosts that https:// and oci:// sources may name; none by default')
  .option('--allow-private-sources', 'let sources be at private addresses, such as a registry in the plant', false)
  .option('--source-ca <file>', 'PEM of an authority of source hosts, beside the system’s')
  .option('--no-leader-elect', 'run without leader election: only with one replica')
  .addHelpText('after', '\nExample:\n  jouleops controller --kubeconfig ~/.kube/config --data-dir ./state')
  .action(async (flags) => (await import('./commands/controller.ts')).controller(flags, signal));

program
  .command('agent')
  .description('run the agent of one device')
  .requiredOption('--name <name>', 'the device’s name in the fleet')
  .requiredOption('--data-dir <dir>', 'identity, artifacts and state of this device')
  .option('--join-token-file <file>', 'token made by "jouleops device token"; needed once')
  .option('--service-account-token-file <file>', 'in a pod: its projected token of audience jouleops, instead of a join token')
  .option('--controller-url <url>', 'with a service account token: the controller’s device port')
  .option('--controller-ca-file <file>', 'with a service account token: the CA of that port, PEM')
  .option('--host <address>', 'address of the inference port', '127.0.0.1')
  .option('--port <n>', 'inference, metrics and probes; 0 for a free one', '7500')
  .option('--grpc-port <n>', 'inference over gRPC; 0 for a free port, not served without it')
  .addOption(new Option('--simulate <class>', 'measure simulated power of this board instead of real power'))
  .option('--path-sysfs <dir>', 'root of sysfs', '/sys')
  .option('--path-procfs <dir>', 'root of procfs', '/proc')
  .option('--standalone', 'follow no control plane: serve what is on disk and what /deploy gives', false)
  .option('--deploy-token-file <file>', 'let scripts with this token use /deploy, /start and /stop; off by default')
  .option('--deploy-host <hosts...>', 'hosts that model_url of /deploy may name; none by default')
  .option(
    '--upstream <name=url...>',
    'servers beside it for engine OpenInferenceUpstream; NAME=URL,repository=DIR lets it bring models',
  )
  .option(
    '--tls-cert-file <file>',
    'PEM of the certificate of the inference ports; without it another address than loopback gets one',
  )
  .option('--tls-key-file <file>', 'its key, PEM')
  .option('--access-token-file <file>', 'token that applications send; without it another address than loopback gets one')
  .option('--client-ca-file <file>', 'PEM of the authority whose client certificates are let in')
  .option('--insecure-open', 'serve on an address that is not loopback as plain text, to everybody', false)
  .addHelpText('after', '\nExample:\n  jouleops agent --name hall-1-pi --data-dir /var/lib/jouleops --join-token-file token')
  .action(async (flags) => (await import('./commands/agent.ts')).agent(flags, signal));

const device = program.command('device').description('let devices join, and boards be replaced');
device
  .command('token')
  .description('print a token that devices join with')
  .option('--valid <time>', 'how long: 90m, 24h, 7d', '24h')
  .option('--namespace <name>', 'of the controller', systemNamespace)
  .option('--kubeconfig <file>', 'default: KUBECONFIG, else .jouleops/kubeconfig, else ~/.kube/config')
  .addHelpText('after', '\nExample:\n  jouleops device token --valid 1h > token')
  .action(async (flags) => (await import('./commands/device.ts')).deviceToken(flags, signal));
device
  .command('reset')
  .description('let another board join under the name of this one')
  .argument('<name>', 'of the device')
  .option('--kubeconfig <file>', 'default: KUBECONFIG, else .jouleops/kubeconfig, else ~/.kube/config')
  .addHelpText('after', '\nExample:\n  jouleops device reset hall-1-pi')
  .action(async (name, flags) => (await import('./commands/device.ts')).deviceReset(name, flags, signal));

const model = program.command('model').description('models in OCI registries');
model
  .command('push')
  .description('push an .onnx file, or a folder with one, and print the ModelVersion to commit')
  .argument('<target>', 'file or folder; a model.yaml in it says names and labels')
  .argument('<uri>', 'oci://host/repository:tag')
  .option('--username <name>', 'with --password-file; default: what "docker login" has kept')
  .option('--password-file <file>', 'file with the password or token')
  .option('--ca <file>', 'PEM of the registry’s own authority')
  .option('--output <format>', 'table (YAML of the ModelVersion) or json', 'table')
  .addHelpText(
    'after',
    '\nExample:\n  jouleops model push model_store/machine-state/2 oci://registry.example.org/models/machine-state:2',
  )
  .action(async (target, uri, flags) => (await import('./commands/model.ts')).modelPush(target, uri, flags, signal));
model
  .command('inspect')
  .description('what a registry holds under a name')
  .argument('<uri>', 'oci://host/repository:tag')
  .option('--username <name>', 'with --password-file; default: what "docker login" has kept')
  .option('--password-file <file>', 'file with the password or token')
  .option('--ca <file>', 'PEM of the registry’s own authority')
  .option('--output <format>', 'table or json', 'table')
  .action(async (uri, flags) => (await import('./commands/model.ts')).modelInspect(uri, flags, signal));

program
  .command('predict')
  .description('predict the energy of one inference of an ONNX model')
  .argument('<file>', 'an .onnx file')
  .option('--device <class>', 'device class, or all', 'all')
  .option('--boundary <boundary>', 'Board or CoreRail; default: Board where the class has it')
  .option('--runtime <runtime>', 'runtime it will run on (pytorch, onnxruntime); default: the predictor’s own')
  .option('--predictors <path>', 'a predictor’s file, or a directory of them, beside those that ship')
  .option('--confidence <percent>', 'of the interval', '90')
  .option('--explain', 'the share of each kind of operator', false)
  .option('--output <format>', 'table or json', 'table')
  .addHelpText(
    'after',
    '\nExample:\n  jouleops predict model_store/nas-cell/1/model.onnx --device raspberry-pi-5 --boundary CoreRail',
  )
  .action(async (file, flags) => (await import('./commands/predict.ts')).predict(file, flags, signal));

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
  .option('--model-store <dir>', 'root of store:// sources', 'model_store')
  .option('--allow-host <hosts...>', 'hosts that https:// and oci:// sources may name; none by default')
  .option('--allow-private-sources', 'let sources be at private addresses', false)
  .option('--source-ca <file>', 'PEM of an authority of source hosts, beside the system’s')
  .option('--cache-dir <dir>', 'where models and what was read of them are kept; default: ~/.cache/jouleops/plan')
  .option('--output <format>', 'text, json or markdown', 'text')
  .addHelpText(
    'after',
    '\nExit code 3 when something that changes is refused, finds too few devices, or cannot be read.\n\nExample:\n  jouleops plan --files fleet --from origin/main --devices devices.yaml --output markdown',
  )
  .action(async (flags) => (await import('./commands/plan.ts')).plan(flags, signal));

program
  .command('recommend')
  .description('rank models by predicted energy, within a budget')
  .argument('<paths...>', '.onnx files, or directories that hold some')
  .option('--device <classes>', 'device classes separated by commas, or all', 'all')
  .option('--boundary <boundary>', 'Board or CoreRail; default: Board where the class has it')
  .option('--runtime <runtime>', 'runtime it will run on; default: the predictor’s own')
  .option('--predictors <path>', 'a predictor’s file, or a directory of them, beside those that ship')
  .option('--max-energy <energy>', 'per inference: 80mJ')
  .option('--max-latency <time>', '500ms, 0.5s')
  .option('--max-size <size>', 'of the file: 100MB')
  .option('--top <n>', 'how many per class', '10')
  .option('--plot <file>', 'write an SVG of energy against latency, or accuracy where all models declare it')
  .option('--output <format>', 'table or json', 'table')
  .addHelpText(
    'after',
    '\nExit code 3 when --max-energy is given and no model is recommended for it.\n\nExample:\n  jouleops recommend model_store --device raspberry-pi-5 --boundary CoreRail --max-energy 10mJ --plot pareto.svg',
  )
  .action(async (paths, flags) => (await import('./commands/recommend.ts')).recommend(paths, flags, signal));

program
  .command('train')
  .description('train the predictors that ship again from their measurement tables')
  .requiredOption('--data <dir>', 'directory with the tables that data/manifests describes')
  .requiredOption('--out <dir>', 'where NAME.json is written')
  .option('--only <names...>', 'these predictors; default: all')
  .option('--replace', 'overwrite a predictor of the same version that has other contents', false)
  .option('--output <format>', 'table or json', 'table')
  .addHelpText('after', '\nExample:\n  jouleops train --data tables --out trained --only raspberry-pi-5-board-pytorch')
  .action(async (flags) => (await import('./commands/train.ts')).train(flags, signal));

program
  .command('benchmark')
  .description('measure latency and energy of a model on this machine')
  .argument('<file>', 'an .onnx file')
  .option('--simulate <class>', 'measure simulated power of this board instead of real power')
  .option('--boundary <boundary>', 'Board, Module, Package or CoreRail', 'Board')
  .option('--windows <n>', 'windows of the controlled loop, 6 or more', '6')
  .option('--window-seconds <n>', 'length of one window; 60 for meters slower than 1 Hz', '10')
  .option('--threads <n>', 'threads of the model', '1')
  .option('--path-sysfs <dir>', 'root of sysfs', '/sys')
  .option('--path-procfs <dir>', 'root of procfs', '/proc')
  .option('--output <format>', 'table or json', 'table')
  .addHelpText('after', '\nExample:\n  jouleops benchmark model_store/nas-cell/1/model.onnx --simulate raspberry-pi-5')
  .action(async (file, flags) => (await import('./commands/benchmark.ts')).benchmark(file, flags, signal));

program
  .command('oip-conformance')
  .description('check a server of the Open Inference Protocol v2 case by case, ours or any other')
  .argument('<url>', 'of the server, without /v2')
  .option('--grpc <host:port>', 'its gRPC address; without it those cases are skipped')
  .option('--model <names...>', 'models to ask; default: all that the server lists')
  .option('--ca <file>', 'PEM of the server’s own authority')
  .option('--token-file <file>', 'bearer token to send')
  .option('--unload', 'let it unload a model and load it again', false)
  .option('--strict', 'exit code 3 also for what the protocol leaves open', false)
  .option('--timeout <seconds>', 'of each request', '30')
  .option('--output <format>', 'text, json or markdown', 'text')
  .addHelpText(
    'after',
    '\nExit code 3 when a required case fails.\n\nExample:\n  jouleops oip-conformance http://127.0.0.1:8000 --grpc 127.0.0.1:8001',
  )
  .action(async (url, flags) => (await import('./commands/oip-conformance.ts')).oipConformance(url, flags, signal));

program
  .command('calibrate')
  .description('measure probe networks on this machine and make a predictor for it')
  .option('--class <name>', 'device class; default: what this machine is recognised as')
  .option(
    '--out <dir>',
    'where measurements, predictor and DeviceClass are written; a run that was ended goes on from there',
    'calibration',
  )
  .option('--boundary <boundary>', 'Board, Module, Package or CoreRail; default: the widest that is measured')
  .option('--listen <address:port>', 'take what another program measures, by POST /telemetry')
  .option('--simulate <class>', 'measure simulated power of this board instead of real power')
  .option('--misfit <seed>', 'simulate another board: other hidden costs, efficiency by layer, throttling, power in steps')
  .option('--from <predictors...>', 'predictors to take proportions between costs from; default: the most alike of those that ship')
  .option('--windows <n>', 'least windows of a probe', '4')
  .option('--window-seconds <n>', 'length of one window; three times as long for meters slower than 1 Hz', '10')
  .option('--threads <n>', 'threads of the probes', '1')
  .option('--accept-drift', 'go on though the anchor moved, and say so on the card', false)
  .option('--restart', 'forget what was measured before', false)
  .option('--path-sysfs <dir>', 'root of sysfs', '/sys')
  .option('--path-procfs <dir>', 'root of procfs', '/proc')
  .option('--output <format>', 'table or json', 'table')
  .addHelpText(
    'after',
    `
It takes about half an hour, an hour with a slow meter. The machine should do nothing else.

Exit code 3 when the board drifts, when too few probes can be measured, or when --out holds measurements of another board.

Example:
  jouleops calibrate --class my-board --out calibration
  jouleops predict model.onnx --device my-board --predictors calibration`,
  )
  .action(async (flags) => (await import('./commands/calibrate.ts')).calibrate(flags, signal));

program
  .command('status')
  .description('what is deployed where, and what it uses')
  .option('--kubeconfig <file>', 'default: KUBECONFIG, else .jouleops/kubeconfig, else ~/.kube/config')
  .option('--output <format>', 'table or json', 'table')
  .addHelpText('after', '\nExit code 3 while a deployment is not Ready.')
  .action(async (flags) => (await import('./commands/status.ts')).status(flags, signal));

registerRollout(program, signal);

program
  .command('version')
  .description('print versions')
  .option('--output <format>', 'table or json', 'table')
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
