// Options that several commands have, in the same words. Each call makes a new one: a command keeps what it is given.
import { Option } from 'commander';

export const shared = {
  output: () => new Option('--output <format>', 'table or json').default('table'),
  kubeconfig: () => new Option('--kubeconfig <file>', 'default: KUBECONFIG, else .jouleops/kubeconfig, else ~/.kube/config'),

  devices: () => new Option('--device <classes>', 'device classes separated by commas, or all').default('all'),
  boundary: () => new Option('--boundary <boundary>', 'Board or CoreRail; default: Board where the class has it'),
  simulate: () => new Option('--simulate <class>', 'measure simulated power of this board instead of real power'),
  pathSysfs: () => new Option('--path-sysfs <dir>', 'root of sysfs').default('/sys'),
  pathProcfs: () => new Option('--path-procfs <dir>', 'root of procfs').default('/proc'),
  dimensions: () =>
    new Option(
      '--dimension <name=size...>',
      'sizes of dimensions that the model leaves open: height=224, or input.2=224 without a name',
    ),
  predictors: () => new Option('--predictors <path>', 'a predictor’s file, or a directory of them, beside those that ship'),

  username: () => new Option('--username <name>', 'with --password-file; default: what "docker login" has kept'),
  passwordFile: () => new Option('--password-file <file>', 'file with the password or token'),
  registryCa: () => new Option('--ca <file>', 'PEM of the registry’s own authority'),

  modelStore: () => new Option('--model-store <dir>', 'root of store:// sources').default('model_store'),
  allowHost: () => new Option('--allow-host <hosts...>', 'hosts that https:// and oci:// sources may name; none by default'),
  allowPrivateSources: () =>
    new Option('--allow-private-sources', 'let sources be at private addresses, such as a registry in the plant').default(false),
  sourceCa: () => new Option('--source-ca <file>', 'PEM of an authority of source hosts, beside the system’s'),
} as const;
