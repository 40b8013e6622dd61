import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import type { Connection } from '../../kube/api/kubeconfig.ts';
import { readJsonFile, writeFileAtomic } from '../disk/atomic-file.ts';
import { type Disk, systemDisk } from '../disk/disk.ts';

/** Who this device is and where it belongs. One file, so that key and certificate can never be of different times. */
export interface DeviceIdentity {
  name: string;
  key: string;
  certificate: string;
  deviceUid: string;
  join: { url: string; certificateAuthority: string };
  apiServer: { url: string; certificateAuthority: string };
  artifacts: { url: string; certificateAuthority: string };
}

const fileName = 'identity.json';

export async function readIdentity(directory: string, disk: Disk = systemDisk): Promise<DeviceIdentity | undefined> {
  const file = path.join(directory, fileName);
  const identity = (await readJsonFile(file, disk)) as DeviceIdentity | undefined;
  if (!identity) return undefined;
  const { mode } = await disk.stat(file);
  if (mode & 0o077)
    throw new Error(`${file} holds the device's private key and can be read by others (mode ${mode.toString(8)}): chmod 600 it`);
  for (const field of ['name', 'key', 'certificate', 'deviceUid'] as const)
    if (typeof identity[field] !== 'string') throw new Error(`${file} lacks "${field}": delete it and join again`);
  return identity;
}

export async function writeIdentity(directory: string, identity: DeviceIdentity, disk: Disk = systemDisk): Promise<void> {
  await writeFileAtomic(path.join(directory, fileName), `${JSON.stringify(identity, undefined, 2)}\n`, 0o600, disk);
}

export function connectionOf(identity: DeviceIdentity): Connection {
  return {
    server: identity.apiServer.url,
    certificateAuthority: identity.apiServer.certificateAuthority,
    clientCertificate: identity.certificate,
    clientKey: identity.key,
  };
}

/** When the certificate begins, ends, and should be renewed: at two thirds of its life. Milliseconds since the epoch. */
export function lifetimeOf(certificatePem: string): { notBefore: number; notAfter: number; renewAt: number } {
  const certificate = new X509Certificate(certificatePem);
  const notBefore = Date.parse(certificate.validFrom);
  const notAfter = Date.parse(certificate.validTo);
  return { notBefore, notAfter, renewAt: notBefore + ((notAfter - notBefore) * 2) / 3 };
}
