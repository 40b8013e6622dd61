// Server-side applies to one deployment: what two chapters are about.
import { apply, deployments } from './paths.ts';
import type { Answer, CallOptions, Tour } from './tour.ts';

interface Applied extends CallOptions {
  force?: boolean;
  subresource?: 'status';
}

/** Applies to the deployment `a` (or its status) as one manager. */
export function applyAs(
  tour: Tour,
  manager: string,
  status: number | readonly number[],
  body: unknown,
  options: Applied = {},
): Promise<Answer> {
  const query = { fieldManager: manager, ...(options.force ? { force: 'true' } : {}), ...options.query };
  return tour.call(status, 'PATCH', deployments(tour, 'a', options.subresource), { body, contentType: apply, query });
}

/** The identity of `a`, and the fields that a manager wants to own. */
export const fields = (parts: Record<string, unknown>, metadata: Record<string, unknown> = {}) => ({
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'ModelDeployment',
  metadata: { name: 'a', ...metadata },
  ...parts,
});
