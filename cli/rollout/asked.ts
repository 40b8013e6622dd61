// What every subcommand of `rollout` begins with: a connection, the deployment, and how to answer.
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import { modelDeployments } from '../../crds/resources.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { connect } from '../connect.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';

export interface RolloutFlags {
  kubeconfig?: string;
  namespace: string;
  output: string;
}

export interface Asked {
  client: Client;
  deployment: Stored<ModelDeployment>;
  /** Prints the text, or the value with --output json. */
  say: (value: unknown, text: string) => void;
}

export async function withDeployment(
  name: string,
  flags: RolloutFlags,
  signal: AbortSignal,
  run: (asked: Asked) => Promise<void>,
): Promise<void> {
  const format = parseOutputFormat(flags.output);
  const { client } = await connect(flags.kubeconfig);
  try {
    const deployment = await readDeployment(client, { namespace: flags.namespace, name }, signal);
    const say = (value: unknown, text: string) => (format === 'json' ? printJson(value) : void process.stdout.write(`${text}\n`));
    await run({ client, deployment, say });
  } finally {
    await client.close();
  }
}

/** @throws CommandError when there is none of this name. */
export async function readDeployment(
  client: Client,
  key: { namespace: string; name: string },
  signal: AbortSignal,
): Promise<Stored<ModelDeployment>> {
  return await client.get(modelDeployments, key, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw new CommandError(
      `there is no ModelDeployment ${key.namespace}/${key.name}`,
      '"jouleops status" lists the deployments; -n names the namespace',
      { cause: error },
    );
  });
}
