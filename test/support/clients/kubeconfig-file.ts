import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerOptions } from '../../../standalone/server.ts';
import { startTestServer } from '../standalone.ts';

/** An embedded control plane, and the file with which any client reaches it as its administrator. */
export async function startServedKubeconfig(options: Partial<ServerOptions> = {}) {
  const test = await startTestServer(options);
  const kubeconfigPath = join(test.dataDirectory, 'kubeconfig');
  await writeFile(kubeconfigPath, test.server.kubeconfig(), { mode: 0o600 });
  return { ...test, kubeconfigPath, environment: { KUBECONFIG: kubeconfigPath, HOME: test.dataDirectory } };
}

export type ServedKubeconfig = Awaited<ReturnType<typeof startServedKubeconfig>>;
