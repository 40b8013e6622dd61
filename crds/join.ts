// What agent and controller say to each other outside the Kubernetes API: the device port's wire shapes.

/** POST /join on the controller's device port; authenticated by a join token, a pod's token, or the certificate it renews. */
export interface JoinRequest {
  /** The device's name: a DNS-1123 label. */
  name: string;
  /** PEM PKCS#10 request with subject CN=jouleops:device:<name>, O=jouleops:devices. */
  certificateRequest: string;
  /** Absent when the TLS client certificate of the running identity authenticates the call. */
  token?: { kind: 'JoinToken'; value: string } | { kind: 'ServiceAccountToken'; value: string };
  agentVersion: string;
  /** Asked by the operator of this device, honoured only for classes that end in `-simulated`. */
  deviceClassName?: string;
}

export interface JoinResponse {
  /** PEM client certificate for the API server and for artifacts. */
  certificate: string;
  apiServer: { url: string; certificateAuthority: string };
  /** Artifacts are at `${artifacts.url}/artifacts/sha256/<hex>`, over TLS with the controller's own CA. */
  artifacts: { url: string; certificateAuthority: string };
  deviceUid: string;
}

export interface JoinError {
  error: string;
  reason: 'BadRequest' | 'InvalidToken' | 'ExpiredToken' | 'NameTaken' | 'NotSigned' | 'Unavailable';
  next: string;
}

export const joinPath = '/join';

export function artifactPath(digest: string): string {
  return `/artifacts/${digest.replace(':', '/')}`;
}

/** A join token carries all a device needs: `jo1.<base64url JSON>`. The secret is stored hashed by the controller. */
export interface JoinToken {
  url: string;
  /** sha256 of the controller's CA certificate in DER, hex. */
  caFingerprint: string;
  id: string;
  secret: string;
  /** RFC 3339. */
  expires: string;
}

const tokenPrefix = 'jo1.';

export function encodeJoinToken(token: JoinToken): string {
  return tokenPrefix + Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** @throws Error that says what is wrong with the token, without repeating its secret. */
export function decodeJoinToken(text: string): JoinToken {
  if (!text.startsWith(tokenPrefix))
    throw new Error(`not a join token: it does not start with "${tokenPrefix}"; make one with "jouleops device token"`);
  let parsed: Partial<JoinToken>;
  try {
    parsed = JSON.parse(Buffer.from(text.slice(tokenPrefix.length), 'base64url').toString('utf8')) as Partial<JoinToken>;
  } catch (error) {
    throw new Error('not a join token: it is cut or changed; make one with "jouleops device token"', { cause: error });
  }
  for (const field of ['url', 'caFingerprint', 'id', 'secret', 'expires'] as const) {
    if (typeof parsed[field] !== 'string')
      throw new Error(`not a join token: it lacks "${field}"; make one with "jouleops device token"`);
  }
  return parsed as JoinToken;
}
