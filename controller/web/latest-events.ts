import { group } from '../../crds/resources.ts';
import { events, type KubeEvent } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';

const pageSize = 500;
/** Of a cluster whose other parts say much: ten thousand events are read, which an hour rarely has. */
const maximumPages = 20;

/**
 * What was said about our kinds, the last first; of all namespaces, since devices and classes have none. An API server lists by name
 * and knows no order of time: the first page would be some events of any program.
 */
export async function latestEvents(client: Pick<Client, 'list'>, limit: number, signal: AbortSignal): Promise<KubeEvent[]> {
  const kept: KubeEvent[] = [];
  let token: string | undefined;
  for (let page = 0; page < maximumPages; page++) {
    const { items, metadata } = await client.list(events, {
      limit: pageSize,
      signal,
      ...(token === undefined ? {} : { continue: token }),
    });
    kept.push(...items.filter(({ regarding }) => regarding?.apiVersion?.startsWith(`${group}/`)));
    kept.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1)).splice(limit);
    token = metadata.continue || undefined;
    if (token === undefined) break;
  }
  return kept;
}

/** What repeats is as new as its last time. */
function timeOf({ eventTime, series }: KubeEvent): string {
  return series?.lastObservedTime ?? eventTime;
}
