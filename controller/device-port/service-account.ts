// A pod's projected token: audience jouleops, of the agents' own service account, and the pod's node must be the device's name.
import { agentServiceAccount } from '../../crds/names.ts';
import { tokenReviews } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';

export const tokenAudience = 'jouleops';
const nodeNameKey = 'authentication.kubernetes.io/node-name';

export type TokenReviewResult = { kind: 'accepted' } | { kind: 'refused'; message: string };

export async function reviewServiceAccountToken(
  client: Client,
  token: string,
  deviceName: string,
  signal: AbortSignal,
): Promise<TokenReviewResult> {
  const review = await client.create(
    tokenReviews,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: { name: '' },
      spec: { token, audiences: [tokenAudience] },
    },
    { signal },
  );
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
