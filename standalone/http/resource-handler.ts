import type { IncomingMessage, ServerResponse } from 'node:http';
import { authorize, authorizeObject } from '../auth/authorization.ts';
import type { User } from '../auth/user.ts';
import { type NamedTarget, type RegistryContext, readServed } from '../registry/context.ts';
import { createObject, type Written } from '../registry/create.ts';
import { deleteCollection, deleteObject, readDeleteOptions } from '../registry/delete.ts';
import { listPage, readListOptions } from '../registry/list.ts';
import { patchObject } from '../registry/patch.ts';
import { readSelection } from '../registry/selection.ts';
import { type KindSubresource, type ServedKind, storageKey } from '../registry/served-kind.ts';
import { replaceObject } from '../registry/update.ts';
import { readWriteOptions } from '../registry/write-options.ts';
import { readWatchOptions } from '../watch/watch-options.ts';
import { streamWatch, type WatchDeps } from '../watch/watch-stream.ts';
import { type Answer, ok } from './answer.ts';
import { mediaType, parseDocument, readBody } from './body.ts';
import { isWhole, negotiate, type Representation, represent, representList } from './negotiation.ts';
import type { ResourceRequest } from './request-info.ts';
import { badRequest, methodNotAllowed, noSuchResource, notFound } from './status-error.ts';

export type ResourceDeps = RegistryContext & WatchDeps;

interface Call {
  readonly info: ResourceRequest;
  readonly kind: ServedKind;
  readonly user: User;
  readonly request: IncomingMessage;
  readonly as: Representation;
}

/** Answers one request for objects; undefined when it was a watch, which has written its own answer. */
export async function handleResource(
  deps: ResourceDeps,
  info: ResourceRequest,
  user: User,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | undefined> {
  authorize(user, info);
  const kind = findKind(deps, info);
  const as = negotiate(request.headers.accept, info.query);
  const call: Call = { info, kind, user, request, as };
  switch (info.verb) {
    case 'get':
      return getOne(deps, call);
    case 'list':
      return list(deps, call);
    case 'watch':
      await watch(deps, call, response);
      return undefined;
    case 'create':
      return create(deps, call);
    case 'update':
    case 'patch':
      return write(deps, call);
    case 'delete':
    case 'deletecollection':
      return remove(deps, call);
  }
}

function findKind(deps: ResourceDeps, info: ResourceRequest): ServedKind {
  const kind = deps.registry.find(info.group, info.version, info.plural);
  if (kind === undefined) throw noSuchResource();
  const { namespaced } = kind.compiled.definition;
  if (!namespaced && info.namespace !== undefined) throw noSuchResource();
  if (namespaced && info.namespace === undefined && !['list', 'watch', 'deletecollection'].includes(info.verb))
    throw noSuchResource();
  if (info.subresource !== undefined && !kind.subresources.some((known) => known === info.subresource)) throw noSuchResource();
  if (info.subresource !== undefined && !['get', 'update', 'patch'].includes(info.verb)) throw methodNotAllowed();
  if (info.verb === 'deletecollection' && (namespaced ? info.namespace === undefined : kind === deps.registry.namespaces))
    throw methodNotAllowed();
  return kind;
}

function getOne(deps: ResourceDeps, { info, kind, as }: Call): Answer {
  const name = info.name ?? '';
  if (isWhole(as) && kind.shape === undefined) {
    const json = deps.store.readText(storageKey(kind, info.namespace, name));
    if (json === undefined) throw notFound(kind, name);
    return { code: 200, body: { json } };
  }
  const object = readServed(deps.store, { kind, namespace: info.namespace }, name);
  if (object === undefined) throw notFound(kind, name);
  return ok(represent(kind.compiled, object, as, new Date(deps.clock.now())));
}

function list(deps: ResourceDeps, { info, kind, as }: Call): Answer {
  const page = listPage(deps.store, { kind, namespace: info.namespace }, readListOptions(deps.store, { kind }, info.query));
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  return ok(representList(kind, page.objects, metadata, as, new Date(deps.clock.now())));
}

async function watch(deps: ResourceDeps, { info, kind, as }: Call, response: ServerResponse): Promise<void> {
  const selection = readSelection(kind.compiled, info.query);
  const options = readWatchOptions(deps.store, info.query);
  let first = true;
  const render = (object: Parameters<typeof represent>[1]) => {
    const rendered = represent(kind.compiled, object, as, new Date(deps.clock.now()), first);
    first = false;
    return rendered;
  };
  const target = { kind, namespace: info.namespace, selection };
  await streamWatch(deps, target, options, isWhole(as) ? undefined : render, response);
}

async function create(deps: ResourceDeps, call: Call): Promise<Answer> {
  const { info, kind, user, request } = call;
  if (info.name !== undefined) throw methodNotAllowed();
  const options = readWriteOptions(info.query, request.headers, 'CreateOptions');
  const sent = await parseDocument(mediaType(request), await readBody(request));
  const target = { kind, namespace: info.namespace, user };
  return answerWrite(deps, call, await createObject(deps, target, sent, options));
}

async function write(deps: ResourceDeps, call: Call): Promise<Answer> {
  const { info, kind, user, request } = call;
  if (info.name === undefined) throw methodNotAllowed();
  const options = readWriteOptions(info.query, request.headers, info.verb === 'patch' ? 'PatchOptions' : 'UpdateOptions');
  const target = {
    kind,
    user,
    namespace: info.namespace,
    name: info.name,
    subresource: subresourceOf(kind, info),
    admit: (stored, next) => authorizeObject(user, info, stored, next),
  } satisfies NamedTarget & { subresource: KindSubresource | undefined };
  const body = await readBody(request);
  const type = mediaType(request);
  const written =
    info.verb === 'patch'
      ? await patchObject(deps, target, type, body.toString(), options)
      : await replaceObject(deps, target, await parseDocument(type, body), options);
  return answerWrite(deps, call, written);
}

function subresourceOf(kind: ServedKind, info: ResourceRequest): KindSubresource | undefined {
  return kind.subresources.find((known) => known === info.subresource);
}

function answerWrite(deps: ResourceDeps, { kind, as }: Call, written: Written): Answer {
  const object = represent(kind.compiled, written.object, as, new Date(deps.clock.now()));
  return { ...ok(object, written.created ? 201 : 200), warnings: written.warnings };
}

async function remove(deps: ResourceDeps, { info, kind, user, request, as }: Call): Promise<Answer> {
  const body = await readBody(request);
  const options = readDeleteOptions(body.length === 0 ? {} : (await parseDocument(mediaType(request), body)).sent, info.query);
  if (options.propagation === 'Orphan' && kind === deps.registry.namespaces)
    throw badRequest('a namespace cannot be deleted without its contents');
  const target = { kind, namespace: info.namespace, user };
  if (info.name === undefined) {
    const gone = await deleteCollection(deps, target, readSelection(kind.compiled, info.query), options);
    const metadata = { resourceVersion: String(deps.store.revision) };
    return ok(representList(kind, gone, metadata, as, new Date(deps.clock.now())));
  }
  const deletion = await deleteObject(deps, { ...target, name: info.name }, options);
  if (deletion.kind === 'pending') return ok(represent(kind.compiled, deletion.object, as, new Date(deps.clock.now())));
  const { group, plural } = kind.compiled.definition;
  const details = { name: info.name, ...(group === '' ? {} : { group }), kind: plural, uid: deletion.uid };
  return ok({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}
