// Gives the controller a command and waits until it has taken it. It carries a value out once, so a value that it has
// carried out before is first taken away and forgotten; one that it has not seen yet is not given twice.
import { readRolloutState } from '../../controller/model-deployment/revision-memory.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import { annotations, fieldManagers } from '../../crds/names.ts';
import { modelDeployments } from '../../crds/resources.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import { controllerRevisions } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { type Clock, systemClock } from '../../kube/runtime/clock.ts';
import { CommandError } from '../exit-codes.ts';

const waitSeconds = 30;
const pollMilliseconds = 100;

export interface RolloutCommand {
  name: 'promote' | 'abort' | 'retry';
  value: string;
  /** That remembers which commands were carried out. */
  revision: string;
}

/** @throws CommandError when the controller does not take it within 30 s. */
export async function giveCommand(
  deps: { client: Client; clock?: Clock },
  deployment: Stored<ModelDeployment>,
  { name, value, revision }: RolloutCommand,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock = systemClock } = deps;
  const { namespace = 'default', name: deploymentName } = deployment.metadata;
  const annotation = annotations[name];
  const set = (text: string | null) =>
    client.patch(
      modelDeployments,
      { namespace, name: deploymentName },
      { kind: 'merge', body: { metadata: { annotations: { [annotation]: text } } } },
      { signal, fieldManager: fieldManagers.cli },
    );
  const isHandled = async () => {
    const known = await client.get(controllerRevisions, { namespace, name: revision }, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    return readRolloutState(known)?.handled.includes(`${name}=${value}`) ?? false;
  };
  const until = async (handled: boolean, what: string) => {
    const deadline = clock.monotonic() + waitSeconds * 1000;
    while ((await isHandled()) !== handled) {
      if (clock.monotonic() > deadline)
        throw new CommandError(
          `within ${waitSeconds} s the controller took no notice that ${annotation} ${what}`,
          'see that the controller runs; the annotation stays, and it acts on it when it comes back',
        );
      await clock.sleep(pollMilliseconds, signal);
    }
  };
  const given = deployment.metadata.annotations?.[annotation] === value;
  if (given && (await isHandled())) {
    await set(null);
    await until(false, 'was removed');
    await set(value);
  } else if (!given) await set(value);
  await until(true, `is ${value}`);
}
