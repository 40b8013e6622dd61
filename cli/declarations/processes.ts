// What runs: everything on one machine, the controller, an agent.
import type { Command } from 'commander';
import { shared } from './shared-options.ts';

export function declareProcesses(program: Command, signal: AbortSignal): void {
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
    .action(async (flags) => (await import('../commands/up.ts')).up(flags, signal));
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
    .addOption(shared.modelStore())
    .option('--agents-namespace <name>', 'where agents run as pods: they find the device port in a ConfigMap there')
    .addOption(shared.allowHost())
    .addOption(shared.allowPrivateSources())
    .addOption(shared.sourceCa())
    .option('--storage-limit <bytes>', 'room for artifacts, such as 100Gi', '20Gi')
    .option('--artifact-limit <bytes>', 'longest file that a model may have, such as 8Gi', '4Gi')
    .option('--no-leader-elect', 'run without leader election: only with one replica')
    .addHelpText('after', '\nExample:\n  jouleops controller --kubeconfig ~/.kube/config --data-dir ./state')
    .action(async (flags) => (await import('../commands/controller.ts')).controller(flags, signal));
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
    .addOption(shared.simulate())
    .addOption(shared.pathSysfs())
    .addOption(shared.pathProcfs())
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
    .option('--advertised-url <url>', 'what others reach the inference port under; default: its own address')
    .option('--storage-limit <bytes>', 'room for artifacts, such as 2Gi', '8Gi')
    .option('--memory-limit <bytes>', 'memory that all models may take, such as 512Mi; default: three quarters of what there is')
    .option('--window-seconds <n>', 'length of a window of measurement; longer ones see less energy', '10')
    .addHelpText('after', '\nExample:\n  jouleops agent --name hall-1-pi --data-dir /var/lib/jouleops --join-token-file token')
    .action(async (flags) => (await import('../commands/agent.ts')).agent(flags, signal));
}
