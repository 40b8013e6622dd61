import type { Logger } from 'pino';
import type { RegistryContext } from '../registry/context.ts';
import { isObject, type JsonObject } from '../schema/json.ts';
import { metadataOf, parseObject, text } from '../storage/stored-object.ts';
import type { StorageKey } from '../storage/versions.ts';

const hour = 3600;
/** As kube-apiserver's --event-ttl. */
const eventSeconds = hour;
/** As kube-controller-manager's certificate request cleaner. */
const decidedRequestSeconds = hour;
const pendingRequestSeconds = 24 * hour;
const intervalSeconds = 600;
/** In one transaction; the next follows at once. */
const batchSize = 500;

type Deps = RegistryContext & { readonly logger: Logger };

/** Deletes old Events and certificate requests, which nobody else does, until the signal aborts. */
export async function expireObjects(deps: Deps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      while ((await expireBatch(deps)) === batchSize);
    } catch (error) {
      deps.logger.error({ err: error }, 'cannot delete expired objects');
    }
    await deps.clock.sleep(intervalSeconds * 1000, signal).catch(() => undefined);
  }
}

async function expireBatch({ registry, store, clock }: Deps): Promise<number> {
  const requests = registry.certificateSigningRequests.storage;
  const lifetimes = [
    { resource: registry.events.storage, seconds: () => eventSeconds },
    { resource: requests, seconds: requestSeconds },
  ];
  const expired: StorageKey[] = [];
  for (const { resource, seconds } of lifetimes) {
    for (const row of store.list(resource, {})) {
      if (expired.length === batchSize) break;
      const object = parseObject(row.body);
      if (lastSign(object) + seconds(object) * 1000 < clock.now()) expired.push(row);
    }
  }
  if (expired.length === 0) return 0;
  await store.write((transaction) => {
    for (const key of expired) {
      const object = transaction.read(key);
      if (object) transaction.remove(key, object);
    }
  });
  return expired.length;
}

/** An Event that was seen again lives on from then. */
function lastSign(object: JsonObject): number {
  const series = isObject(object['series']) ? object['series'] : {};
  const times = [
    text(metadataOf(object), 'creationTimestamp'),
    text(series, 'lastObservedTime'),
    text(object, 'deprecatedLastTimestamp'),
  ];
  return Math.max(...times.map((time) => Date.parse(time)).filter((time) => !Number.isNaN(time)));
}

function requestSeconds(request: JsonObject): number {
  const status = isObject(request['status']) ? request['status'] : {};
  const decided = Array.isArray(status['conditions']) && status['conditions'].length > 0;
  return decided ? decidedRequestSeconds : pendingRequestSeconds;
}
