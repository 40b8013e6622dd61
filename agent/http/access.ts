// Who may ask: everybody on an open port, else who has a token or a client certificate.

export interface TlsMaterial {
  certificate: string;
  key: string;
  /** SHA-256 of the certificate, as openssl prints it. */
  fingerprint: string;
}

export interface Access {
  /** Undefined: plain text. */
  tls?: TlsMaterial;
  /** Empty and no client authority: everybody may ask. */
  tokens: readonly string[];
  /** PEM of the authority whose client certificates are let in. */
  clientAuthority?: string;
}

export function isOpen({ tokens, clientAuthority }: Access): boolean {
  return tokens.length === 0 && clientAuthority === undefined;
}
