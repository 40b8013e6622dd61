import { changedRequestCauses, isolateRequest, stampRequester } from '../auth/certificate-request.ts';
import { compileKind } from '../schema/compile-kind.ts';
import type { KindDefinition } from '../schema/kind.ts';
import { certificateSigningRequests, controllerRevisions, leases, leaseTimes } from './builtins/coordination.ts';
import { configMaps, foldStringData, labelWithName, namespaces, secrets } from './builtins/core.ts';
import { coreEventShape, coreEvents, events, eventTimes } from './builtins/events.ts';
import type { ServedKind } from './served-kind.ts';

/** Every kind that the server serves, by where it is served. */
export interface Registry {
  readonly kinds: readonly ServedKind[];
  find(group: string, version: string, plural: string): ServedKind | undefined;
  findByKind(apiVersion: string, kind: string): ServedKind | undefined;
  readonly namespaces: ServedKind;
  readonly configMaps: ServedKind;
  readonly certificateSigningRequests: ServedKind;
  readonly events: ServedKind;
}

/** The built-in kinds and the custom ones; the set is fixed while the server runs. */
export function createRegistry(customKinds: readonly KindDefinition[]): Registry {
  const builtin = (definition: KindDefinition, options: Partial<ServedKind> = {}) =>
    serve(definition, { builtIn: true, unconditionalUpdate: true, ...options });
  const eventStorage = 'events';
  const served = {
    namespaces: builtin(namespaces, { onWrite: labelWithName, zero: { spec: {}, status: {} } }),
    configMaps: builtin(configMaps),
    certificateSigningRequests: builtin(certificateSigningRequests, {
      subresources: ['status', 'approval'],
      zero: { spec: {}, status: {} },
      onCreate: stampRequester,
      isolate: isolateRequest,
      changeCauses: changedRequestCauses,
    }),
    events: builtin(events, { storage: eventStorage, microTimes: eventTimes }),
  };
  const kinds: ServedKind[] = [
    ...Object.values(served),
    builtin(secrets, { onWrite: foldStringData }),
    builtin(coreEvents, { storage: eventStorage, shape: coreEventShape, microTimes: eventTimes }),
    builtin(leases, { unconditionalUpdate: false, microTimes: leaseTimes, zero: { spec: {} } }),
    builtin(controllerRevisions),
    ...customKinds.map((definition) => serve(definition, { builtIn: false, unconditionalUpdate: false })),
  ];
  const byPath = new Map(kinds.map((kind) => [pathKey(kind.compiled.definition), kind]));
  const byKind = new Map(kinds.map((kind) => [`${kind.compiled.apiVersion} ${kind.compiled.definition.kind}`, kind]));
  return {
    ...served,
    kinds,
    find: (group, version, plural) => byPath.get(pathKey({ group, version, plural })),
    findByKind: (apiVersion, kind) => byKind.get(`${apiVersion} ${kind}`),
  };
}

function serve(
  definition: KindDefinition,
  options: Partial<ServedKind> & Pick<ServedKind, 'builtIn' | 'unconditionalUpdate'>,
): ServedKind {
  return {
    compiled: compileKind(definition),
    storage: definition.group === '' ? definition.plural : `${definition.group}/${definition.plural}`,
    subresources: definition.statusSubresource ? ['status'] : [],
    ...options,
  };
}

function pathKey(where: { group: string; version: string; plural: string }): string {
  return `${where.group}/${where.version}/${where.plural}`;
}
