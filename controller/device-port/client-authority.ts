// The cluster's client CA: who signed the certificates that devices show on the device port.
import { configMaps } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';

const location = { namespace: 'kube-system', name: 'extension-apiserver-authentication' } as const;

/** PEM bundle. @throws when the ConfigMap is absent or empty: without it no device could be told from another. */
export async function readClientAuthority(client: Client, signal: AbortSignal): Promise<string> {
  const map = await client.get(configMaps, location, { signal });
  const bundle = map.data?.['client-ca-file'];
  if (!bundle)
    throw new Error(
      `ConfigMap ${location.namespace}/${location.name} has no client-ca-file: start the API server with --client-ca-file`,
    );
  return bundle;
}
