import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fieldManagers } from '../../crds/names.ts';
import { fleetRepositories } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import { usageError } from '../exit-codes.ts';

export const fleetKey = { namespace: 'default', name: 'fleet' } as const;

const address = /^(https|ssh|file):\/\//;

/** A directory in full, or the address of a Git repository as it is. Fails early and plainly, before anything is started. */
export async function checkFleet(given: string): Promise<string> {
  return address.test(given) ? given : checkDirectory(given);
}

async function checkDirectory(directory: string): Promise<string> {
  const path = resolve(directory);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw usageError(
      `--fleet ${directory}: there is no such directory`,
      'name a directory of YAML manifests, for example manifests/examples, or a Git repository as https://, ssh:// or file://',
    );
  }
  return path;
}

/** Declares the directory or repository as a FleetRepository: from here on the controller applies it and follows its changes. */
export async function declareFleet(client: Client, fleet: string, signal: AbortSignal): Promise<void> {
  const source = address.test(fleet) ? { url: fleet } : { path: fleet };
  await client.apply(
    fleetRepositories,
    { metadata: { ...fleetKey }, spec: { ...source, prune: true } },
    { fieldManager: fieldManagers.cli, force: true, signal },
  );
}
