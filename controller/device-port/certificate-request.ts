// Reads the PKCS#10 request of a device and holds it against the name it claims. Pure.
import 'reflect-metadata'; // @peculiar/x509 resolves its algorithms through it
import { createHash } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { devicesGroup, deviceUserName } from '../../crds/names.ts';

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export function isDeviceName(name: string): boolean {
  return dnsLabel.test(name);
}

/** @returns the fingerprint of the request's public key (sha256 of its SPKI, hex). @throws Error that says what is wrong with the request. */
export async function checkCertificateRequest(pem: string, deviceName: string): Promise<string> {
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(pem);
  } catch (error) {
    throw new Error('certificateRequest is not a PEM PKCS#10 request', { cause: error });
  }
  if (!(await request.verify())) throw new Error('certificateRequest is not signed by its own key');
  const subject = request.subjectName;
  const commonNames = subject.getField('CN');
  const organizations = subject.getField('O');
  if (commonNames.length !== 1 || commonNames[0] !== deviceUserName(deviceName))
    throw new Error(
      `certificateRequest has CN=${commonNames.join(',')}: a device named ${deviceName} asks for CN=${deviceUserName(deviceName)}`,
    );
  if (organizations.length !== 1 || organizations[0] !== devicesGroup)
    throw new Error(`certificateRequest has O=${organizations.join(',')}: it must be O=${devicesGroup}`);
  return createHash('sha256').update(new Uint8Array(request.publicKey.rawData)).digest('hex');
}
