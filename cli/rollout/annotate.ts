// Gives the controller a command. It carries a value out once, so the same value must first be taken away and forgotten.
import { readRolloutState } from '../../controller/model-deployment/revision-memory.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import { annotations, fieldManagers } from '../../crds/names.ts';
import { modelDeployments } from '../../crds/resources.ts';
import { controllerRevisions } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { type Clock, systemClock } from '../../kube/runtime/clock.ts';
import { CommandError } from '../exit-codes.ts';

const forgetSeconds = 30;

export async function giveCommand(
  deps: { client: Client; clock?: Clock },
  deployment: Stored<ModelDeployment>,
  name: 'promote' | 'abort' | 'retry',
  value: string,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock = systemClock } = deps;
  const { namespace = 'default', name: deploymentName } = deployment.metadata;
  const set = (text: string | null) =>
    client.patch(
      modelDeployments,
      { namespace, name: deploymentName },
      { kind: 'merge', body: { metadata: { annotations: { [annotations[name]]: text } } } },
      { signal, fieldManager: fieldManagers.cli },
    );
  if (deployment.metadata.annotations?.[annotations[name]] === value) {
    await set(null);
    const revision = deployment.status?.currentRevision ?? '';
    const until = clock.monotonic() + forgetSeconds * 1000;
    for (;;) {
      const known = await client.get(controllerRevisions, { namespace, name: revision }, { signal });
      if (!readRolloutState(known)?.handled.includes(`${name}=${value}`)) break;
      if (clock.monotonic() > until)
        throw new CommandError(
          `the controller did not take notice within ${forgetSeconds} s that ${annotations[name]} was removed`,
          'see that the controller runs, and repeat the command',
        );
      await clock.sleep(100, signal);
    }
  }
  await set(value);
}
