import type { JsonObject, JsonValue } from './json.ts';
import type { Cause, StructuralSchema } from './structural-schema.ts';

/** What a kind is: the same facts for a CRD version and for a built-in kind. */
export interface KindDefinition {
  readonly group: string; // '' is the core group
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** The whole object's schema; metadata in it is ignored, every kind gets ObjectMeta's. */
  readonly schema: StructuralSchema;
  /** With a status subresource, writes of the main resource leave status alone and the other way round. */
  readonly statusSubresource: boolean;
  /** Names follow RFC 1123 subdomains unless a kind says otherwise. */
  readonly nameSyntax?: 'subdomain' | 'label' | 'path-segment';
  /** generation counts changes outside metadata (and status); most built-in kinds have none. */
  readonly generation: boolean;
  readonly printerColumns: readonly PrinterColumn[];
  /** JSON paths such as `.spec.deviceName`. */
  readonly selectableFields: readonly string[];
  /** Rules that a schema cannot say: a Secret's immutability, an Event's time. */
  readonly validate?: (object: JsonObject, old: JsonObject | undefined) => Cause[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
}

/** metav1.TableColumnDefinition. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

/** Doors beside the main resource. Approval of certificate requests changes conditions, so it is treated as status is. */
export type Subresource = 'status' | 'approval';

/** A kind, ready to serve. Every function is pure: it returns new objects and leaves its arguments alone. */
export interface CompiledKind {
  readonly definition: KindDefinition;
  readonly apiVersion: string;
  /** The definition's schema with apiVersion, kind and ObjectMeta filled in. */
  readonly schema: StructuralSchema;
  /** Fills in defaults, also for null where null is not allowed, and drops what is empty in metadata. */
  default(object: JsonObject): JsonObject;
  /**
   * What decoding a request does: drops what the schema does not know, and null where it is not allowed. `unknown` holds paths such as `spec.foo` or `spec.items[0].bar`, sorted. `malformed` says
   * why metadata cannot be read at all: answer 400 with it.
   */
  prune(object: JsonObject): { object: JsonObject; unknown: string[]; malformed: string | undefined };
  /**
   * Everything that a 422 answer would list, metadata included. `old` makes it an update: rules with oldSelf run, and what did not
   * change since `old` is not complained about (ratcheting). With subresource 'status' only status and metadata are looked at.
   */
  validate(object: JsonObject, old?: JsonObject, subresource?: Subresource): Cause[];
  /** Before a create is validated: drops status where it is a subresource, sets generation 1. */
  prepareForCreate(object: JsonObject): JsonObject;
  /** Before an update is validated: isolates spec or status, keeps what the server owns in metadata, counts generation. */
  prepareForUpdate(object: JsonObject, old: JsonObject, subresource?: Subresource): JsonObject;
  /** The value of a selectable field, `metadata.name` and `metadata.namespace` included; undefined when it is not selectable. */
  selectableField(object: JsonObject, field: string): string | undefined;
  readonly tableColumns: readonly TableColumn[];
  /** One cell per column. Dates become ages ("5m") counted from now. */
  tableCells(object: JsonObject, now: Date): JsonValue[];
  /** The kind's entry in components.schemas of /openapi/v3 (it refers to the shared ones of openapi.ts). */
  readonly openapi: { name: string; schema: JsonObject };
}
