// Has the cluster sign a device's certificate: create a CertificateSigningRequest, approve it, wait for the certificate.
import { randomBytes } from 'node:crypto';
import { certificateSigningRequests } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Clock } from '../../kube/runtime/clock.ts';

const signerName = 'kubernetes.io/kube-apiserver-client';
const validSeconds = 30 * 86_400;
const waitSeconds = 30;

/** @returns PEM. @throws Error when the cluster denies the request or does not answer in time. */
export async function signClientCertificate(
  deps: { client: Client; clock: Clock },
  deviceName: string,
  requestPem: string,
  signal: AbortSignal,
): Promise<string> {
  const name = `jouleops-device-${deviceName}-${randomBytes(5).toString('hex')}`;
  const created = await deps.client.create(
    certificateSigningRequests,
    {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: {
        request: Buffer.from(requestPem).toString('base64'),
        signerName,
        usages: ['client auth'],
        expirationSeconds: validSeconds,
      },
    },
    { signal },
  );
  try {
    const approval = {
      type: 'Approved',
      status: 'True',
      reason: 'DeviceJoined',
      message: `the controller checked the identity of device ${deviceName}`,
      lastUpdateTime: new Date(deps.clock.now()).toISOString(),
    };
    await deps.client.patch(
      certificateSigningRequests,
      { name },
      {
        kind: 'merge',
        body: { metadata: { resourceVersion: created.metadata.resourceVersion }, status: { conditions: [approval] } },
      },
      { signal, subresource: 'approval' },
    );
    return await waitForCertificate(deps, name, signal);
  } finally {
    // Signed or not, nobody reads it again; a cluster's own cleaner would take an hour.
    await deps.client.delete(certificateSigningRequests, { name }, { signal }).catch(() => undefined);
  }
}

async function waitForCertificate(deps: { client: Client; clock: Clock }, name: string, signal: AbortSignal): Promise<string> {
  const deadline = deps.clock.monotonic() + waitSeconds * 1000;
  for (let pauseMilliseconds = 20; ; pauseMilliseconds = Math.min(pauseMilliseconds * 2, 1000)) {
    const request = await deps.client.get(certificateSigningRequests, { name }, { signal });
    const certificate = request.status?.certificate;
    if (certificate) return Buffer.from(certificate, 'base64').toString('utf8');
    const refused = request.status?.conditions?.find((condition) => condition.type === 'Denied' || condition.type === 'Failed');
    if (refused)
      throw new Error(`the cluster refused the certificate of ${name}: ${refused.message || refused.reason || refused.type}`);
    if (deps.clock.monotonic() > deadline)
      throw new Error(
        `the cluster did not sign ${name} within ${waitSeconds} s: is the signer ${signerName} of kube-controller-manager running?`,
      );
    await deps.clock.sleep(pauseMilliseconds, signal);
  }
}
