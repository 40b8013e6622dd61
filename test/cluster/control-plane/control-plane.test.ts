import { describe, expect, test } from 'vitest';
import { edgeDevices, modelDeployments } from '../../../crds/resources.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';

const plane = sharedControlPlane();

describe.skipIf(plane === undefined)('the control plane that cluster tests share', () => {
  const signal = AbortSignal.timeout(30_000);

  test('says which version it is, so that clients can parse it', async () => {
    const client = createClient(plane?.admin ?? { server: '' });
    expect(await client.raw('GET', '/version', { signal })).toMatchObject({ major: '1', minor: expect.stringMatching(/^\d+$/) });
    await client.close();
  });

  test('serves our kinds', async () => {
    const client = createClient(plane?.admin ?? { server: '' });
    expect(await client.list(modelDeployments, { signal })).toMatchObject({ kind: 'ModelDeploymentList' });
    await client.close();
  });

  test('knows a client certificate, and lets its user do nothing unasked', async () => {
    const connection = await plane?.connectionAs('somebody', ['strangers']);
    const client = createClient(connection ?? { server: '' });
    await expect(client.list(edgeDevices, { signal })).rejects.toMatchObject({ status: 403, reason: 'Forbidden' });
    await client.close();
  });
});
