// A push told by the Git host: the signature is checked, and the object is annotated. The leader sees the annotation, so any
// replica may take the call.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import { annotations, fieldManagers } from '../../crds/names.ts';
import { fleetRepositories } from '../../crds/resources.ts';
import { ApiError } from '../../kube/api/api-error.ts';
import { secrets } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Store } from '../../kube/cache/store.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { identityFor } from './identity.ts';

export interface Hook {
  namespace: string;
  name: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/** `refused` for anything that does not prove itself: a stranger must not learn which fleets there are. */
export type HookAnswer = 'accepted' | 'refused';

export interface HookDeps {
  client: Pick<Client, 'get' | 'patch'>;
  clock: Clock;
  repositories: Pick<Store<FleetRepository>, 'get'>;
  allowPaths: boolean;
}

const keyName = 'token';
/** A key is remembered so long: calls without a right signature cost the API server nothing more. */
const rememberedMilliseconds = 10_000;

export function createHookReceiver(deps: HookDeps) {
  const remembered = new Map<string, { until: number; key: Promise<string | undefined> }>();

  function keyOf(repository: Stored<FleetRepository>, signal: AbortSignal): Promise<string | undefined> {
    const name = repository.spec.webhookSecretName;
    if (name === undefined) return Promise.resolve(undefined);
    const id = `${repository.metadata.uid}/${repository.metadata.generation}`;
    const known = remembered.get(id);
    if (known && known.until > deps.clock.monotonic()) return known.key;
    if (remembered.size > 1000) remembered.clear();
    const asUser = identityFor(repository, deps);
    const key = deps.client
      .get(secrets, { namespace: repository.metadata.namespace ?? 'default', name }, { signal, asUser })
      .then(
        ({ data }) =>
          Buffer.from(data?.[keyName] ?? '', 'base64')
            .toString('utf8')
            .trim() || undefined,
      )
      .catch((error: unknown) => {
        // A server that did not answer has said nothing of the key: the next call asks again.
        if (!(error instanceof ApiError)) remembered.delete(id);
        return undefined;
      });
    remembered.set(id, { until: deps.clock.monotonic() + rememberedMilliseconds, key });
    return key;
  }

  return async function receive(hook: Hook, signal: AbortSignal): Promise<HookAnswer> {
    const repository = deps.repositories.get(`${hook.namespace}/${hook.name}`);
    const key = repository && (await keyOf(repository, signal));
    if (!repository || key === undefined || !isSigned(hook, key)) return 'refused';
    const asUser = identityFor(repository, deps);
    await deps.client.patch(
      fleetRepositories,
      { namespace: hook.namespace, name: hook.name },
      {
        kind: 'merge',
        body: { metadata: { annotations: { [annotations.requestedAt]: new Date(deps.clock.now()).toISOString() } } },
      },
      { signal, fieldManager: fieldManagers.fleet, asUser },
    );
    return 'accepted';
  };
}

/** HMAC-SHA256 of the body by GitHub, Gitea, Forgejo and Gogs; GitLab sends the key itself. Pure. */
export function isSigned({ headers, body }: Pick<Hook, 'headers' | 'body'>, key: string): boolean {
  const header = (name: string) => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const expected = createHmac('sha256', key).update(body).digest('hex');
  const github = header('x-hub-signature-256');
  if (github !== undefined) return same(github, `sha256=${expected}`);
  const plain = header('x-gitea-signature') ?? header('x-forgejo-signature') ?? header('x-gogs-signature');
  if (plain !== undefined) return same(plain, expected);
  const gitlab = header('x-gitlab-token');
  return gitlab !== undefined && same(gitlab, key);
}

/** Takes as long for a wrong first letter as for a wrong last one. */
function same(given: string, expected: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
