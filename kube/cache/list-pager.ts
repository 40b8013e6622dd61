import { isExpired } from '../api/api-error.ts';
import type { Client, ListOptions } from '../api/client.ts';
import type { KubeObject, Stored } from '../api/objects.ts';
import type { Resource } from '../api/resource.ts';

const pageSize = 500;
/** A cluster that compacts faster than it can be paged is listed whole the last time. */
const maxRestarts = 3;

/**
 * A complete list, page by page, all of one version. When the version expires between pages (410), the list begins again.
 */
export async function listAll<T extends KubeObject>(
  client: Pick<Client, 'list'>,
  resource: Resource<T>,
  options: Omit<ListOptions, 'continue'>,
): Promise<{ items: Stored<T>[]; resourceVersion: string }> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await listPages(client, resource, options, restarts < maxRestarts ? (options.limit ?? pageSize) : undefined);
    } catch (error) {
      if (!isExpired(error) || restarts >= maxRestarts) throw error;
    }
  }
}

async function listPages<T extends KubeObject>(
  client: Pick<Client, 'list'>,
  resource: Resource<T>,
  options: Omit<ListOptions, 'continue'>,
  limit: number | undefined,
): Promise<{ items: Stored<T>[]; resourceVersion: string }> {
  const { limit: _, ...selection } = options;
  const items: Stored<T>[] = [];
  for (let token: string | undefined; ; ) {
    const page = await client.list(resource, {
      ...selection,
      ...(limit === undefined ? {} : { limit }),
      ...(token === undefined ? {} : { continue: token }),
    });
    items.push(...page.items);
    token = page.metadata.continue || undefined;
    if (token === undefined) return { items, resourceVersion: page.metadata.resourceVersion };
  }
}
