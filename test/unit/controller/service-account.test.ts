import { describe, expect, it } from 'vitest';
import { reviewServiceAccountToken } from '../../../controller/device-port/service-account.ts';
import { agentServiceAccount } from '../../../crds/names.ts';
import type { TokenReview } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';

const signal = AbortSignal.timeout(5000);
const accepted = {
  authenticated: true,
  audiences: ['jouleops'],
  user: { username: agentServiceAccount, extra: { 'authentication.kubernetes.io/node-name': ['pi-1'] } },
};
const cluster = (status: TokenReview['status']): Pick<Client, 'create'> => ({
  create: async (_resource, object) => ({ ...object, ...(status === undefined ? {} : { status }) }) as never,
});

describe('a pod that joins as a device', () => {
  it('is accepted under the name of its node', async () => {
    expect(await reviewServiceAccountToken(cluster(accepted), 't', 'pi-1', signal)).toEqual({ kind: 'accepted' });
  });

  it.each<[string, TokenReview['status'], string]>([
    ['the cluster does not know the token', { authenticated: false, error: 'token expired' }, 'token expired'],
    ['the token is for another audience', { ...accepted, audiences: ['https://kubernetes.default.svc'] }, 'audience'],
    [
      'the pod runs on another node',
      { ...accepted, user: { ...accepted.user, extra: { 'authentication.kubernetes.io/node-name': ['pi-2'] } } },
      'belongs to node pi-2, not to pi-1',
    ],
    ['the token says no node', { ...accepted, user: { username: agentServiceAccount } }, 'belongs to node (none)'],
    [
      'the pod is not an agent',
      { ...accepted, user: { ...accepted.user, username: 'system:serviceaccount:default:default' } },
      'not to system:serviceaccount:',
    ],
    ['the review has no answer', undefined, 'does not accept'],
  ])('is refused when %s', async (_, status, message) => {
    const result = await reviewServiceAccountToken(cluster(status), 't', 'pi-1', signal);
    expect(result).toMatchObject({ kind: 'refused', message: expect.stringContaining(message) as string });
  });
});
