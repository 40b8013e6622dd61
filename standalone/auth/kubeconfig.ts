import { stringify } from 'yaml';
import type { Connection } from '../../kube/api/connection.ts';

/** A kubeconfig with one context called `jouleops`. */
export function formatKubeconfig(connection: Connection): string {
  const name = 'jouleops';
  const base64 = (pem: string | undefined) => Buffer.from(pem ?? '').toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name, cluster: { server: connection.server, 'certificate-authority-data': base64(connection.certificateAuthority) } },
      ],
      users: [
        {
          name,
          user: {
            'client-certificate-data': base64(connection.clientCertificate),
            'client-key-data': base64(connection.clientKey),
          },
        },
      ],
      contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
}
