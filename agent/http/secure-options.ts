import type { TlsOptions } from 'node:tls';
import type { Access } from './access.ts';

/** For any server of TLS; undefined where the port is plain. Who has no client certificate gets as far as being told what is missing. */
export function secureOptions({ tls, clientAuthority }: Access): TlsOptions | undefined {
  if (!tls) return undefined;
  return {
    cert: tls.certificate,
    key: tls.key,
    minVersion: 'TLSv1.2',
    ...(clientAuthority === undefined ? {} : { ca: clientAuthority, requestCert: true, rejectUnauthorized: false }),
  };
}
