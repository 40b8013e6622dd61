import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { unauthorized } from '../http/status-error.ts';
import { anonymous, type User } from './user.ts';

/**
 * The user of a request: the subject of its client certificate (CN and O), or anonymous. A certificate of another authority, or a
 * token (there are none here), is 401.
 */
export function authenticate(request: IncomingMessage): User {
  if (request.headers.authorization !== undefined) throw unauthorized();
  const { socket } = request;
  if (!(socket instanceof TLSSocket)) throw unauthorized();
  const known = users.get(socket);
  if (known) return known;
  const certificate = socket.getPeerCertificate();
  if (Object.keys(certificate).length === 0) return anonymous;
  if (!socket.authorized) throw unauthorized();
  const { CN: name, O: groups } = subjectOf(certificate);
  if (name === undefined) throw unauthorized();
  const user: User = { name, groups: [...groups, 'system:authenticated'] };
  users.set(socket, user);
  return user;
}

// A connection has one certificate for its life; reading it again for each request would cost more than the request.
const users = new WeakMap<TLSSocket, User>();

function subjectOf(certificate: { subject: unknown }): { CN: string | undefined; O: string[] } {
  const subject: object = typeof certificate.subject === 'object' && certificate.subject !== null ? certificate.subject : {};
  const values = (value: unknown): string[] =>
    (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
  return { CN: values('CN' in subject ? subject.CN : undefined)[0], O: values('O' in subject ? subject.O : undefined) };
}
