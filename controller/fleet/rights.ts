import { isForbidden, toError } from '../../kube/api/api-error.ts';

/** What an error says; who may not do what is in the server's words, what to do about it in ours. */
export function textOf(error: unknown): string {
  const text = toError(error).message;
  if (!isForbidden(error)) return text;
  // Servers say it by reason alone, and in several wordings: only the verb is the same.
  const next = text.includes('cannot impersonate')
    ? 'let the controller act as spec.serviceAccountName, by a Role with the verb impersonate in its namespace'
    : 'give that account the right, or set spec.serviceAccountName to one that has it';
  return `${text}: ${next}`;
}
