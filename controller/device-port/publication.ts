// Tells the cluster where the device port is and who its CA is: people's tokens and the agents' pods are made of it.
import { devicePortConfigMap, fieldManagers } from '../../crds/names.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import { configMaps } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';

export interface DevicePortAddress {
  url: string;
  /** PEM. */
  certificateAuthority: string;
  /** sha256 of the CA certificate in DER, hex. */
  caFingerprint: string;
}

/** Writes ConfigMap `jouleops-device-port` into each namespace, unless it says the same already. */
export async function publishDevicePort(
  client: Client,
  namespaces: readonly string[],
  address: DevicePortAddress,
  signal: AbortSignal,
): Promise<void> {
  const { keys } = devicePortConfigMap;
  const data = {
    [keys.url]: address.url,
    [keys.certificateAuthority]: address.certificateAuthority,
    [keys.caFingerprint]: address.caFingerprint,
  };
  for (const namespace of namespaces) {
    const metadata = { namespace, name: devicePortConfigMap.name };
    const published = await client.get(configMaps, metadata, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (Object.entries(data).every(([key, value]) => published?.data?.[key] === value)) continue;
    await client.apply(configMaps, { metadata, data }, { signal, fieldManager: fieldManagers.controller });
  }
}
