// What an operator does for a device: a token to join with, and letting another board take its name.
import { mintJoinToken } from '../../controller/device-port/join-tokens.ts';
import { annotations, devicePortConfigMap, fieldManagers } from '../../crds/names.ts';
import { edgeDevices } from '../../crds/resources.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import { configMaps } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { connect } from '../connect.ts';
import { parseValidity } from '../device/validity.ts';
import { CommandError } from '../exit-codes.ts';

/** Prints a token and nothing else on standard output, so that it can be sent to a file. */
export async function deviceToken(
  flags: { kubeconfig?: string; valid: string; namespace: string },
  signal: AbortSignal,
): Promise<void> {
  const validSeconds = parseValidity(flags.valid);
  const { client } = await connect(flags.kubeconfig);
  try {
    const { url, caFingerprint } = await findDevicePort(client, flags.namespace, signal);
    const order = { namespace: flags.namespace, url, caFingerprint, validSeconds };
    const token = await mintJoinToken({ client, clock: systemClock }, order, signal);
    process.stdout.write(`${token}\n`);
    const expires = new Date(Math.floor(systemClock.now() / 1000 + validSeconds) * 1000);
    process.stderr.write(
      `Good for any number of devices until ${expires.toISOString().replace('.000Z', 'Z')}; they join at ${url}.\n`,
    );
  } finally {
    await client.close();
  }
}

/** Unbinds the device's name from its key: the next board that joins under it with a token is taken. */
export async function deviceReset(name: string, flags: { kubeconfig?: string }, signal: AbortSignal): Promise<void> {
  const { client } = await connect(flags.kubeconfig);
  try {
    const device = await client.get(edgeDevices, { name }, { signal }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      throw new CommandError(`there is no device ${name}`, '"jouleops status" lists the devices', { cause: error });
    });
    if (device.metadata.annotations?.[annotations.keyFingerprint] === undefined) {
      process.stdout.write(`${name} is not bound to any board: the next one that joins under this name is taken\n`);
      return;
    }
    const body = {
      metadata: { resourceVersion: device.metadata.resourceVersion, annotations: { [annotations.keyFingerprint]: null } },
    };
    await client.patch(edgeDevices, { name }, { kind: 'merge', body }, { signal, fieldManager: fieldManagers.cli });
    process.stdout.write(
      `${name} is free: the next board that joins under this name is taken\nThe certificate of the former board cannot be renewed, but is good until it expires (30 days at most).\n`,
    );
  } finally {
    await client.close();
  }
}

async function findDevicePort(
  client: Client,
  namespace: string,
  signal: AbortSignal,
): Promise<{ url: string; caFingerprint: string }> {
  const { name, keys } = devicePortConfigMap;
  const published = await client.get(configMaps, { namespace, name }, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw new CommandError(
      `there is no ConfigMap ${namespace}/${name}: no controller has started in that namespace`,
      'start "jouleops up" or the controller, or name its namespace with --namespace',
      { cause: error },
    );
  });
  const [url, caFingerprint] = [published.data?.[keys.url], published.data?.[keys.caFingerprint]];
  if (url !== undefined && caFingerprint !== undefined) return { url, caFingerprint };
  throw new CommandError(
    `ConfigMap ${namespace}/${name} lacks ${keys.url} or ${keys.caFingerprint}`,
    'delete it and restart the controller, which writes it again',
  );
}
