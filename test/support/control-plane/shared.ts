// The control plane that the global set-up started, as a test uses it.
import { inject } from 'vitest';
import type { Connection } from '../../../kube/api/connection.ts';
import { loadTestAuthority } from './certificates.ts';
import type { SharedControlPlane } from './global-setup.ts';

/** Undefined when this machine has none; the set-up has said why. */
export function sharedControlPlane():
  | (SharedControlPlane & {
      kind: 'running';
      admin: Connection;
      connectionAs(userName: string, groups?: readonly string[]): Promise<Connection>;
    })
  | undefined {
  const shared = inject('controlPlane');
  if (shared.kind === 'absent') return undefined;
  const admin: Connection = {
    server: shared.server,
    certificateAuthority: shared.caPem,
    token: async () => shared.adminToken,
  };
  return {
    ...shared,
    admin,
    async connectionAs(userName, groups = []) {
      const authority = await loadTestAuthority({ certificatePem: shared.caPem, keyPem: shared.clientAuthorityKeyPem });
      const { certificatePem, keyPem } = await authority.issueClient(userName, groups);
      return {
        server: shared.server,
        certificateAuthority: shared.caPem,
        clientCertificate: certificatePem,
        clientKey: keyPem,
      };
    },
  };
}
