// Our kinds as the API server knows them: a plan refuses and completes manifests by the same schemas and rules, without a server.
import { loadCustomResourceDefinitions } from '../../crds/manifests.ts';
import type { KubeObject } from '../../kube/api/objects.ts';
import { compileKind } from '../../standalone/schema/compile-kind.ts';
import { customKinds } from '../../standalone/schema/custom-kind.ts';
import type { JsonObject } from '../../standalone/schema/json.ts';
import type { CompiledKind } from '../../standalone/schema/kind.ts';

export type PlanKinds = ReadonlyMap<string, CompiledKind>;

/** By kind. */
export async function compilePlanKinds(): Promise<PlanKinds> {
  const definitions = (await loadCustomResourceDefinitions()).flatMap((source) => customKinds(source));
  return new Map(definitions.map((definition) => [definition.kind, compileKind(definition)]));
}

/** Objects of a plan are JSON, by `<namespace>_<name>_<group>_<kind>` as in an inventory. */
export type ObjectsById = ReadonlyMap<string, JsonObject>;

export function toJson(object: KubeObject): JsonObject {
  return JSON.parse(JSON.stringify(object)) as JsonObject;
}

export function idOf({ apiVersion, kind, metadata }: KubeObject): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return [metadata.namespace ?? '', metadata.name, group, kind].join('_');
}
