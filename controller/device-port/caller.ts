// Who calls the device port: judged from the TLS connection. Pure but for reading the socket.
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { deviceNameOf, devicesGroup } from '../../crds/names.ts';

export interface Caller {
  /** Present when the cluster's client CA signed the certificate that the caller shows. */
  userName?: string;
  /** Present when that user is a device. */
  deviceName?: string;
  /** sha256 of the certificate's public key (SPKI), hex. */
  keyFingerprint?: string;
}

export function callerOf(socket: TLSSocket): Caller {
  if (!socket.authorized) return {};
  const subject = socket.getPeerCertificate().subject as { CN?: string | string[]; O?: string | string[] } | undefined;
  const userName = single(subject?.CN);
  if (userName === undefined) return {};
  const groups = [subject?.O ?? []].flat();
  const deviceName = groups.includes(devicesGroup) ? deviceNameOf(userName) : undefined;
  const publicKey = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
  return {
    userName,
    ...(deviceName === undefined ? {} : { deviceName }),
    ...(publicKey === undefined ? {} : { keyFingerprint: createHash('sha256').update(publicKey).digest('hex') }),
  };
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? undefined : value;
}
