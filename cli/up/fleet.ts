import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fieldManagers } from '../../crds/names.ts';
import { fleetRepositories } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

export const fleetKey = { namespace: 'default', name: 'fleet' } as const;

/** Fails early and plainly, before anything is started. */
export async function checkFleetDirectory(directory: string): Promise<string> {
  const path = resolve(directory);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new CommandError(
      `--fleet ${directory}: there is no such directory`,
      'name a directory of YAML manifests, for example manifests/examples',
      {
        exitCode: exitCodes.usage,
      },
    );
  }
  return path;
}

/** Declares the directory as a FleetRepository: from here on the controller applies it and follows its changes. */
export async function declareFleet(client: Client, path: string, signal: AbortSignal): Promise<void> {
  await client.apply(
    fleetRepositories,
    { metadata: { ...fleetKey }, spec: { path, prune: true } },
    { fieldManager: fieldManagers.cli, force: true, signal },
  );
}
