import { createHash, type X509Certificate } from 'node:crypto';
import tls from 'node:tls';

const maximumChain = 8;

/**
 * Fetches the controller's CA certificate from its own TLS handshake and checks it against the fingerprint in the join token.
 * Nothing is sent before that. The calls that follow verify the server against this CA in the ordinary way.
 * @param fingerprint sha256 of the CA certificate in DER, hex.
 */
export async function fetchPinnedAuthority(url: string, fingerprint: string, signal: AbortSignal): Promise<string> {
  const { hostname, port } = new URL(url);
  const chain = await presentedChain(hostname.replace(/^\[|\]$/g, ''), Number(port || 443), signal);
  const wanted = fingerprint.toLowerCase();
  const authority = chain.find((certificate) => createHash('sha256').update(certificate.raw).digest('hex') === wanted);
  if (authority) return authority.toString();
  const seen = chain.map((certificate) => createHash('sha256').update(certificate.raw).digest('hex').slice(0, 16)).join(', ');
  throw new Error(
    `${url} does not present the CA that the join token names (${wanted.slice(0, 16)}…; it presented ${seen}): the token is of another controller, or something is between`,
  );
}

function presentedChain(host: string, port: number, signal: AbortSignal): Promise<X509Certificate[]> {
  return new Promise((resolve, reject) => {
    const onAbort = () => socket.destroy(signal.reason as Error);
    const socket = tls.connect(
      { host, port, ...(isName(host) ? { servername: host } : {}), rejectUnauthorized: false, timeout: 10_000 },
      () => {
        const chain: X509Certificate[] = [];
        let next = socket.getPeerX509Certificate();
        while (next && !isIn(chain, next) && chain.length < maximumChain) {
          chain.push(next);
          next = next.issuerCertificate;
        }
        socket.destroy();
        resolve(chain);
      },
    );
    socket.on('timeout', () => socket.destroy(new Error(`${host}:${port} did not answer within 10 s`)));
    socket.on('error', reject);
    socket.on('close', () => signal.removeEventListener('abort', onAbort));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

function isName(host: string): boolean {
  return !/^[\d.]+$/.test(host) && !host.includes(':');
}

function isIn(chain: readonly X509Certificate[], certificate: X509Certificate): boolean {
  return chain.some((known) => known.fingerprint256 === certificate.fingerprint256);
}
