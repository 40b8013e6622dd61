import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { productVersion } from '../crds/product-version.ts';
import { toError } from '../kube/api/api-error.ts';
import type { Client } from '../kube/api/client.ts';
import { createClient } from '../kube/api/http-client.ts';
import { type Connection, loadKubeconfig } from '../kube/api/kubeconfig.ts';
import { CommandError } from './exit-codes.ts';

const localKubeconfig = join('.jouleops', 'kubeconfig');

/** The cluster a command talks to: --kubeconfig, else KUBECONFIG, else the one `jouleops up` wrote here, else the user's own. */
export async function connect(kubeconfig: string | undefined): Promise<{ client: Client; connection: Connection }> {
  const path = kubeconfig ?? (process.env['KUBECONFIG'] ? undefined : existsSync(localKubeconfig) ? localKubeconfig : undefined);
  if (path !== undefined && !existsSync(path)) {
    throw new CommandError(
      `--kubeconfig ${path}: there is no such file`,
      'start "jouleops up", which writes one, or name another',
    );
  }
  const connection = await loadKubeconfig(path).catch((error: unknown) => {
    const [message = ''] = toError(error).message.split('\n', 1);
    throw new CommandError(message, 'start "jouleops up", which writes a kubeconfig, or name another with --kubeconfig', {
      cause: error,
    });
  });
  return { client: createClient(connection, { userAgent: `jouleops-cli/${productVersion}` }), connection };
}
