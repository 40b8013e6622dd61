// A certificate for the inference port of a device that nobody gave one: self-signed (RFC 5280), trusted by its fingerprint.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { bitString, encode, objectIdentifier, sequence, set, smallInteger, utf8 } from '../identity/distinguished-encoding.ts';

const oids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
} as const;
const tags = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  generalizedTime: 0x18,
  version: 0xa0,
  extensions: 0xa3,
  dns: 0x82,
  ip: 0x87,
};

export interface CertificateOrder {
  commonName: string;
  /** Host names and addresses that clients reach the port under. */
  names: readonly string[];
  notBefore: Date;
  notAfter: Date;
  /** P-256, PKCS#8 PEM. */
  keyPem: string;
}

/** PEM. It is its own authority, so that clients can be given it as the one that they trust. */
export function createSelfSignedCertificate({ commonName, names, notBefore, notAfter, keyPem }: CertificateOrder): string {
  const key = createPrivateKey(keyPem);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const name = sequence(set(sequence(objectIdentifier(oids.commonName), utf8(commonName.slice(0, 64)))));
  const algorithm = sequence(objectIdentifier(oids.ecdsaWithSha256));
  // The first byte keeps the serial number positive and of full length.
  const serial = Buffer.concat([Buffer.from([0x40]), randomBytes(15)]);
  const extensions = sequence(
    extension(oids.basicConstraints, true, sequence(encode(tags.boolean, Buffer.from([0xff])), smallInteger(0))),
    // digitalSignature and keyCertSign.
    extension(oids.keyUsage, true, encode(0x03, Buffer.from([2, 0x84]))),
    extension(oids.extendedKeyUsage, false, sequence(objectIdentifier(oids.serverAuthentication))),
    extension(oids.subjectKeyIdentifier, false, encode(tags.octetString, createHash('sha1').update(publicKey).digest())),
    extension(oids.subjectAlternativeName, false, sequence(...names.map(generalName))),
  );
  const certificate = sequence(
    encode(tags.version, smallInteger(2)),
    encode(tags.integer, serial),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey,
    encode(tags.extensions, extensions),
  );
  const whole = sequence(certificate, algorithm, bitString(sign('sha256', certificate, key)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extension(oid: string, critical: boolean, value: Uint8Array): Buffer {
  const flag = critical ? [encode(tags.boolean, Buffer.from([0xff]))] : [];
  return sequence(objectIdentifier(oid), ...flag, encode(tags.octetString, value));
}

function time(date: Date): Buffer {
  const text = `${date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;
  return encode(tags.generalizedTime, Buffer.from(text, 'ascii'));
}

function generalName(name: string): Buffer {
  const family = isIP(name);
  if (family === 0) return encode(tags.dns, Buffer.from(name, 'ascii'));
  return encode(tags.ip, family === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6Bytes(name));
}

function ipv6Bytes(address: string): Buffer {
  const [before = '', after] = (address.split('%')[0] ?? '').split('::');
  const groupsOf = (text: string) => text.split(':').flatMap((group) => (group === '' ? [] : groupValues(group)));
  const [head, tail] = [groupsOf(before), groupsOf(after ?? '')];
  const middle = after === undefined ? [] : Array<number>(8 - head.length - tail.length).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...head, ...middle, ...tail].entries()) bytes.writeUInt16BE(group, index * 2);
  return bytes;
}

/** One group, or the two that an IPv4 address at the end stands for. */
function groupValues(group: string): number[] {
  if (!group.includes('.')) return [Number.parseInt(group, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}
