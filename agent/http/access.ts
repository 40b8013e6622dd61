// Who may ask: everybody on an open port, else who has a token or a client certificate.
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { carriesToken } from './bearer-token.ts';
import { type Handler, sendJson } from './http-server.ts';

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

/** What probes ask, which carry no credentials. */
const openPaths = new Set(['/livez', '/readyz']);

export function isOpen({ tokens, clientAuthority }: Access): boolean {
  return tokens.length === 0 && clientAuthority === undefined;
}

/** Answers 401 to whom nothing lets in, and leaves the rest to the handlers behind it. */
export function createAccessHandler(access: Access): Handler {
  return ({ path, request, response }) => {
    if (isOpen(access) || openPaths.has(path)) return false;
    if (hasTrustedCertificate(request) || carriesToken(request.headers.authorization, access.tokens)) return false;
    const wanted = [
      ...(access.tokens.length > 0 ? ['the token of --access-token-file as "Authorization: Bearer TOKEN"'] : []),
      ...(access.clientAuthority === undefined ? [] : ['a client certificate of --client-ca-file']),
    ];
    request.resume();
    sendJson(response, 401, { error: `send ${wanted.join(', or ')}` }, { 'www-authenticate': 'Bearer', connection: 'close' });
    return true;
  };
}

function hasTrustedCertificate({ socket }: IncomingMessage): boolean {
  return socket instanceof TLSSocket && socket.authorized;
}
