import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { devicesGroup, deviceUserName } from '../../crds/names.ts';
import { bitString, emptyContext0, objectIdentifier, sequence, set, smallInteger, utf8 } from './distinguished-encoding.ts';

const oids = { commonName: '2.5.4.3', organization: '2.5.4.10', ecdsaWithSha256: '1.2.840.10045.4.3.2' } as const;

/** A new P-256 key, PKCS#8 PEM. */
export function createDeviceKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** PEM PKCS#10 request (RFC 2986) for CN=jouleops:device:<name>, O=jouleops:devices, signed with the key. */
export function createCertificateRequest(deviceName: string, keyPem: string): string {
  const key = createPrivateKey(keyPem);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const name = sequence(
    set(sequence(objectIdentifier(oids.organization), utf8(devicesGroup))),
    set(sequence(objectIdentifier(oids.commonName), utf8(deviceUserName(deviceName)))),
  );
  const information = sequence(smallInteger(0), name, publicKey, emptyContext0());
  const signature = sign('sha256', information, key);
  const request = sequence(information, sequence(objectIdentifier(oids.ecdsaWithSha256)), bitString(signature));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}
