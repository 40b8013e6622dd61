// Turns away who may not ask, before any other handler.
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type Access, isOpen } from './access.ts';
import { carriesToken } from './bearer-token.ts';
import { type Handler, sendJson } from './http-server.ts';

/** What probes ask, which carry no credentials. */
const openPaths = new Set(['/livez', '/readyz']);

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
