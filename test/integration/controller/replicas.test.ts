import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelDeployments } from '../../../crds/resources.ts';
import { leases, namespaces } from '../../../kube/api/builtins.ts';
import { type ApiServerUnderTest, startApiServerUnderTest } from '../../support/api-server-under-test.ts';
import { type ControllerUnderTest, startControllerOn } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';

const signal = AbortSignal.timeout(120_000);

describe('two replicas of the controller', () => {
  let server: ApiServerUnderTest;
  let replicas: ControllerUnderTest[];

  beforeAll(async () => {
    server = await startApiServerUnderTest();
    const api = { ...server, close: async () => undefined };
    await server.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'factory' } }, { signal });
    replicas = [];
    for (const identity of ['first', 'second']) {
      replicas.push(await startControllerOn(api, { leaderElection: true, identity }));
      await eventually(async () => expect((await leader())?.length).toBeGreaterThan(0));
    }
  });
  afterAll(async () => {
    for (const replica of replicas) await replica.close();
    await server.close();
  });

  const leader = async () =>
    (await server.client.get(leases, { namespace: 'jouleops-system', name: 'jouleops-controller' }, { signal })).spec
      ?.holderIdentity;
  const declare = (name: string) =>
    server.client.create(
      modelDeployments,
      {
        apiVersion: 'jouleops.dev/v1alpha1',
        kind: 'ModelDeployment',
        metadata: { name, namespace: 'factory' },
        spec: { modelVersionName: 'none', budget: { energyPerInference: '80mJ' }, placement: {} },
      },
      { signal },
    );
  const answered = (name: string) =>
    eventually(async () => {
      const { status } = await server.client.get(modelDeployments, { namespace: 'factory', name }, { signal });
      expect(status?.conditions?.find(({ type }) => type === 'ModelResolved')?.reason).toBe('ModelVersionNotFound');
    }, 30);
  const writesToDeployments = (replica: ControllerUnderTest | undefined) =>
    replica?.writes().filter((write) => write.includes('modeldeployments'));

  it('have one that writes, while the other keeps its caches and answers', async () => {
    expect(await leader()).toBe('first');
    await declare('one');
    await answered('one');
    // What it wrote can be read before it has its answer.
    await eventually(() => expect(writesToDeployments(replicas[0])).not.toEqual([]));
    expect(writesToDeployments(replicas[1])).toEqual([]);
    await eventually(async () => {
      const fleet = (await (await fetch(`${replicas[1]?.controller.webUrl}/api/fleet`)).json()) as {
        deployments: Record<string, number>;
      };
      expect(fleet.deployments).toEqual({ False: 1 });
    });
  });

  it('say in their metrics which of them leads', async () => {
    const leads = async (replica: ControllerUnderTest | undefined) =>
      /^leader_election_master_status\{name="jouleops-controller"\} (.*)$/m.exec(
        await (await fetch(`${replica?.controller.webUrl}/metrics`)).text(),
      )?.[1];
    expect([await leads(replicas[0]), await leads(replicas[1])]).toEqual(['1', '0']);
  });

  it('share one device port authority, so that a device may ask either', async () => {
    const [first, second] = await Promise.all(replicas.map((replica) => replica.controller.mintJoinToken({ validSeconds: 60 })));
    const fingerprint = (token = '') =>
      (JSON.parse(Buffer.from(token.slice(4), 'base64url').toString('utf8')) as { caFingerprint: string }).caFingerprint;
    expect(fingerprint(first)).toBe(fingerprint(second));
  });

  it('go on when the leader stops', async () => {
    await replicas.shift()?.close();
    await eventually(async () => expect(await leader()).toBe('second'), 20);
    await declare('two');
    await answered('two');
  });
});
