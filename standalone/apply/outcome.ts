import type { JsonObject } from '../schema/json.ts';
import type { CompiledKind, Subresource } from '../schema/kind.ts';

/** Who writes, through which door, at what time. */
export interface Writer {
  /** fieldManager of the request; for updates without one, the first part of the User-Agent. */
  manager: string;
  subresource?: Subresource;
  kind: CompiledKind;
  /** RFC 3339 with seconds, as metav1.Time. */
  now: string;
  /** What an object of this kind has before anybody wrote it: Go's empty structs, which a creator does not own. */
  zero?: JsonObject;
}

export interface ApplyWriter extends Writer {
  force: boolean;
}

/** One entry of the causes of a 409 answer to an apply. */
interface ConflictCause {
  reason: 'FieldManagerConflict';
  /** Names the manager: `conflict with "kubectl" using jouleops.dev/v1alpha1`. */
  message: string;
  field: string;
}

export type ApplyOutcome =
  /** The merged object with its managedFields; not yet defaulted, prepared or validated. */
  | { kind: 'applied'; object: JsonObject }
  /** Answer 409, reason Conflict. */
  | { kind: 'conflicts'; message: string; causes: ConflictCause[] }
  /** Answer 400, reason BadRequest, or 500 where Kubernetes does so (a patch that is not of the schema's types). */
  | { kind: 'refused'; status: 400 | 500; message: string };
