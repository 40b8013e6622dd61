// Every verb on every resource that an API server says it has: so that no test need think of what a device might try.
import { Agent, request } from 'undici';
import type { Client } from '../../../kube/api/client.ts';
import type { Connection } from '../../../kube/api/connection.ts';
import type { Attempt } from './attempts.ts';

interface Discovered {
  group: string;
  version: string;
  /** With its subresource: `pods/log`. */
  name: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
}

/** What a caller is told, by what it asked: one connection for all of it. */
export async function statusesOf(connection: Connection, calls: readonly NamedCall[]): Promise<[call: string, status: number][]> {
  const { server, certificateAuthority, clientCertificate, clientKey } = connection;
  const dispatcher = new Agent({ connect: { ca: certificateAuthority, cert: clientCertificate, key: clientKey } });
  const told: [string, number][] = [];
  try {
    for (const { says, method, path, body, contentType = 'application/json' } of calls) {
      const answer = await request(new URL(path, server), {
        dispatcher,
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': contentType }, body: JSON.stringify(body) }),
      });
      await answer.body.dump();
      told.push([says, answer.statusCode]);
    }
  } finally {
    await dispatcher.close();
  }
  return told;
}

interface ResourceList {
  groupVersion: string;
  resources: { name: string; namespaced: boolean; kind: string; verbs: string[] }[];
}

/** A call as RBAC names it: `patch edgedevices/status.jouleops.dev`. */
export type NamedCall = Attempt & { says: string };

/** One call per verb and resource, on the object `name`, there or not, in `namespace`. Nothing that it asks for would be kept. */
export async function everyCall(
  client: Client,
  { namespace, name }: { namespace: string; name: string },
  signal: AbortSignal,
): Promise<NamedCall[]> {
  return (await discover(client, signal)).flatMap((resource) =>
    resource.verbs.map((verb) => ({
      says: `${verb} ${[resource.name, resource.group].filter(Boolean).join('.')}`,
      ...callOf(resource, verb, { namespace, name }),
    })),
  );
}

async function discover(client: Client, signal: AbortSignal): Promise<Discovered[]> {
  const { groups } = (await client.raw('GET', '/apis', { signal })) as { groups: { versions: { groupVersion: string }[] }[] };
  const paths = ['/api/v1', ...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => `/apis/${groupVersion}`))];
  const lists = await Promise.all(paths.map(async (path) => (await client.raw('GET', path, { signal })) as ResourceList));
  return lists.flatMap(({ groupVersion, resources }) => {
    const [version = '', group = ''] = groupVersion.split('/').toReversed();
    return resources.map((resource) => ({ ...resource, group, version }));
  });
}

function callOf(
  { group, version, name: resource, namespaced, kind }: Discovered,
  verb: string,
  { namespace, name }: { namespace: string; name: string },
): Omit<Attempt, 'says'> {
  const [plural = '', subresource] = resource.split('/');
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = `${root}${namespaced ? `/namespaces/${namespace}` : ''}/${plural}`;
  const object = `${collection}/${name}${subresource === undefined ? '' : `/${subresource}`}`;
  const body = { apiVersion: group === '' ? version : `${group}/${version}`, kind, metadata: { name } };
  const dryRun = '?dryRun=All';
  switch (verb) {
    case 'list':
      return { method: 'GET', path: collection };
    case 'watch':
      return { method: 'GET', path: `${collection}?watch=1&timeoutSeconds=1` };
    case 'deletecollection':
      return { method: 'DELETE', path: `${collection}${dryRun}` };
    case 'create':
      return { method: 'POST', path: `${subresource === undefined ? collection : object}${dryRun}`, body };
    case 'get':
      return { method: 'GET', path: object };
    case 'update':
      return { method: 'PUT', path: `${object}${dryRun}`, body };
    case 'patch':
      return { method: 'PATCH', path: `${object}${dryRun}`, body: {}, contentType: 'application/merge-patch+json' };
    case 'delete':
      return { method: 'DELETE', path: `${object}${dryRun}` };
    default:
      throw new Error(`discovery names a verb that this test does not know: ${verb} of ${resource}`);
  }
}
