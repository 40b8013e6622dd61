import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSelfSignedCertificate } from '../../../agent/http/self-signed-certificate.ts';
import { createDeviceKey } from '../../../agent/identity/certificate-request.ts';

const order = {
  commonName: 'hall-1-pi',
  names: ['hall-1-pi', 'pi.example.org', '192.0.2.7', '2001:db8::7', '::ffff:192.0.2.1', '::1'],
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2056-01-01T12:30:00Z'),
};

describe('a certificate of the agent’s own', () => {
  const keyPem = createDeviceKey();
  const certificate = new X509Certificate(createSelfSignedCertificate({ ...order, keyPem }));

  it('is signed by itself, so that clients can trust it as their authority', () => {
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect([certificate.ca, certificate.subject]).toEqual([true, 'CN=hall-1-pi']);
  });

  it('names hosts and addresses of both families', () => {
    expect(certificate.checkHost('pi.example.org')).toBe('pi.example.org');
    for (const address of ['192.0.2.7', '2001:db8::7', '::ffff:192.0.2.1', '::1'])
      expect(certificate.checkIP(address)).toBe(address);
    expect(certificate.checkIP('192.0.2.8')).toBeUndefined();
  });

  it('is valid as long as was asked, also beyond 2050', () => {
    expect(new Date(certificate.validFrom)).toEqual(order.notBefore);
    expect(new Date(certificate.validTo)).toEqual(order.notAfter);
  });

  it('has a serial number of its own', () => {
    const other = new X509Certificate(createSelfSignedCertificate({ ...order, keyPem }));
    expect(other.serialNumber).not.toBe(certificate.serialNumber);
  });
});
