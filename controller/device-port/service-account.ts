// A pod's projected token: audience jouleops, of the agents' own service account, and the pod's node must be the device's name.
import { agentServiceAccount } from '../../crds/names.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import { type TokenReview, tokenReviews } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';

export const tokenAudience = 'jouleops';
const nodeNameKey = 'authentication.kubernetes.io/node-name';

export type TokenReviewResult = { kind: 'accepted' } | { kind: 'refused'; message: string };

export async function reviewServiceAccountToken(
  client: Pick<Client, 'create'>,
  token: string,
  deviceName: string,
  signal: AbortSignal,
): Promise<TokenReviewResult> {
  const review = await askCluster(client, token, signal);
  if (!review) return { kind: 'refused', message: 'this API server reviews no service account tokens' };
  const status = review.status;
  if (status?.authenticated !== true)
    return { kind: 'refused', message: status?.error ?? 'the cluster does not accept the service account token' };
  if (!status.audiences?.includes(tokenAudience))
    return { kind: 'refused', message: `the token's audience is not ${tokenAudience}` };
  // Any pod on a node can have a token of this audience: only the agents' account speaks for the node.
  const account = status.user?.username;
  if (account !== agentServiceAccount)
    return { kind: 'refused', message: `the token belongs to ${account ?? '(nobody)'}, not to ${agentServiceAccount}` };
  const node = status.user?.extra?.[nodeNameKey]?.[0];
  if (node !== deviceName)
    return { kind: 'refused', message: `the token belongs to node ${node ?? '(none)'}, not to ${deviceName}` };
  return { kind: 'accepted' };
}

/** Undefined on the embedded control plane, which has no pods. */
async function askCluster(client: Pick<Client, 'create'>, token: string, signal: AbortSignal): Promise<TokenReview | undefined> {
  const question: TokenReview = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    metadata: { name: '' },
    spec: { token, audiences: [tokenAudience] },
  };
  try {
    return await client.create(tokenReviews, question, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
