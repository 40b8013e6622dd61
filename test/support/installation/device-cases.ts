// The attempts of a device, run against one server. They end with the proof that nothing of what was refused has happened.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateRequest, createDeviceKey } from '../../../agent/identity/certificate-request.ts';
import { signClientCertificate } from '../../../controller/device-port/sign.ts';
import { devicesNamespace, systemNamespace } from '../../../crds/names.ts';
import { edgeDevices, modelInstances } from '../../../crds/resources.ts';
import { certificateSigningRequests, leases, secrets } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Connection } from '../../../kube/api/connection.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { callApi } from '../api-call.ts';
import { type Attempt, allowed, refused, withoutEffect } from './attempts.ts';
import { everyCall, statusesOf } from './every-call.ts';

const signal = AbortSignal.timeout(300_000);

export interface ServerUnderAttack {
  admin: Connection;
  close(): Promise<void>;
}

/** A device's credentials: its certificate alone. */
export async function certifyDevice(client: Client, admin: Connection, name: string): Promise<Connection> {
  const clientKey = createDeviceKey();
  const clientCertificate = await signClientCertificate(
    { client, clock: systemClock },
    name,
    createCertificateRequest(name, clientKey),
    signal,
  );
  const { server, certificateAuthority = '' } = admin;
  return { server, certificateAuthority, clientCertificate, clientKey };
}

export async function attempt(connection: Connection, { method, path, body, contentType, headers = {} }: Attempt) {
  const { status, text } = await callApi(connection, method, path, {
    headers,
    ...(body === undefined ? {} : { body }),
    ...(contentType === undefined ? {} : { contentType }),
  });
  return { status, text };
}

/** Two boards, each with its Lease and an instance, and things that are none of their business. */
export async function createVictims(client: Client): Promise<void> {
  for (const name of ['board-1', 'board-2']) {
    const device = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'EdgeDevice', metadata: { name }, spec: {} };
    await client.create(edgeDevices, device, { signal });
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: devicesNamespace } };
    await client.create(leases, lease, { signal });
    await client.apply(
      modelInstances,
      {
        metadata: { name: `on-${name}`, namespace: 'default' },
        spec: { deviceName: name, deploymentName: 'd', deploymentUid: 'u' },
      },
      { fieldManager: 'test', signal },
    );
  }
  for (const [namespace, name] of [
    ['default', 'theirs'],
    [systemNamespace, 'jouleops-join-tokens'],
    [systemNamespace, 'jouleops-device-port-ca'],
  ] as const) {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, data: { key: 'c2VjcmV0' } };
    await client.create(secrets, secret, { signal });
  }
  const request = createCertificateRequest('pending', createDeviceKey());
  await client.create(
    certificateSigningRequests,
    {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'pending' },
      spec: {
        request: Buffer.from(request).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
      },
    },
    { signal },
  );
}

export function deviceCases(title: string, start: () => Promise<ServerUnderAttack>): void {
  describe(title, () => {
    let server: ServerUnderAttack;
    let client: Client;
    let device: Connection;

    beforeAll(async () => {
      server = await start();
      client = createClient(server.admin);
      await createVictims(client);
      device = await certifyDevice(client, server.admin, 'board-1');
    });
    afterAll(async () => {
      await client.close();
      await server.close();
    });

    /** Everything that could have been touched, without what a renewal or the server itself moves. */
    async function world() {
      const lists = await Promise.all([
        client.list(edgeDevices, { signal }),
        client.list(modelInstances, { signal }),
        client.list(leases, { namespace: devicesNamespace, signal }),
        client.list(secrets, { signal }),
        client.list(certificateSigningRequests, { signal }),
      ]);
      return lists.flatMap(({ items }) =>
        items.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`),
      );
    }

    it.each(allowed)('lets a device $says', async (one) => {
      const { status, text } = await attempt(device, one);
      expect(status, text).toBe(200);
    });

    it.each(withoutEffect)('lets a device $says, without effect', async (one) => {
      const before = await world();
      const { status, text } = await attempt(device, one);
      expect(status, text).toBe(200);
      expect(await world()).toEqual(before);
    });

    it('refuses everything else, and nothing of it has happened', { timeout: 60_000 }, async () => {
      const before = await world();
      const answers: Record<string, number> = {};
      for (const one of refused) answers[one.says] = (await attempt(device, one)).status;
      expect(answers).toEqual(Object.fromEntries(refused.map(({ says }) => [says, 403])));
      expect(await world()).toEqual(before);
    });

    it('lets a device do these few things of all that the server can do', {
      timeout: 90_000,
    }, async () => {
      const open = new Set<string>();
      let count = 0;
      for (const namespace of [devicesNamespace, systemNamespace]) {
        const calls = await everyCall(client, { namespace, name: 'board-1' }, signal);
        count += calls.length;
        for (const [call, status] of await statusesOf(device, calls))
          if (status !== 403) open.add(`${call}${call.includes('leases') ? ` in ${namespace}` : ''}`);
      }
      expect(count).toBeGreaterThan(2 * 80);
      // What every user of a cluster may ask about itself is none of ours, and keeps nothing.
      const ofEverybody = /^create selfsubject(access|rules)?reviews\.(authorization|authentication)\.k8s\.io$/;
      expect([...open].filter((call) => !ofEverybody.test(call)).sort()).toEqual([
        'get modelinstances.jouleops.dev',
        'list edgedevices.jouleops.dev',
        'patch edgedevices/status.jouleops.dev',
        `patch leases.coordination.k8s.io in ${devicesNamespace}`,
        'patch modelinstances/status.jouleops.dev',
        'watch edgedevices.jouleops.dev',
      ]);
    });

    it('knows no board by another group, nor a name without the group', async () => {
      const [own] = allowed;
      const { server: url, certificateAuthority = '' } = server.admin;
      const nobody = await callApi({ server: url, certificateAuthority }, 'GET', own?.path ?? '');
      expect([401, 403]).toContain(nobody.status);
    });
  });
}
