// What has to change in a deployment's spec so that it asks for an earlier revision again. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { ModelDeploymentSpec } from '../../crds/model-deployment.ts';
import type { RestoredFields } from './revisions.ts';

export interface SpecChange {
  field: string;
  /** Null where the field is absent. */
  from: unknown;
  to: unknown;
}

const fields = ['modelVersionName', 'runtime', 'serving'] as const;

export function changesTo(spec: ModelDeploymentSpec, wanted: RestoredFields): SpecChange[] {
  return fields
    .map((field) => ({ field: `spec.${field}`, from: spec[field] ?? null, to: wanted[field] ?? null }))
    .filter(({ from, to }) => !isDeepStrictEqual(from, to));
}

/** As a JSON patch that fails when the object has changed meanwhile. */
export function patchOf(changes: readonly SpecChange[], resourceVersion: string): Record<string, unknown>[] {
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    ...changes.map(({ field, to }) => {
      const path = `/${field.replaceAll('.', '/')}`;
      return to === null ? { op: 'remove', path } : { op: 'add', path, value: to };
    }),
  ];
}

export function formatValue(value: unknown): string {
  if (value === null) return '(absent)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
