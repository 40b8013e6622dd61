import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { authenticate } from '../auth/authentication.ts';
import { refuseImpersonation } from '../auth/authorization.ts';
import { anonymous } from '../auth/user.ts';
import type { Discovery } from '../discovery/discovery.ts';
import { sendAnswer, sendError } from './answer.ts';
import { type RequestInfo, readRequestInfo } from './request-info.ts';
import { handleResource, type ResourceDeps } from './resource-handler.ts';
import { methodNotAllowed, StatusError, unauthorized } from './status-error.ts';

export interface RouterDeps extends ResourceDeps {
  readonly discovery: Discovery;
  readonly logger: Logger;
}

/** Who, what, whether, then the answer; every failure becomes a Status. */
export function createRouter(deps: RouterDeps): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    route(deps, request, response).catch((error: unknown) => {
      if (!request.complete && request.destroyed) return; // The client left: there is nobody to answer.
      const status = sendError(response, error);
      const log = deps.logger.child({ method: request.method, path: request.url, code: status.code, reason: status.reason });
      // A Status that the server means needs no stack, also where Kubernetes gives it a code from 500 on.
      if (!(error instanceof StatusError)) log.error({ err: error }, 'request failed');
      else if (status.code >= 500) log.warn(`request refused: ${status.message}`);
      else log.debug('request refused');
    });
  };
}

async function route(deps: RouterDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const info = readRequestInfo(request.method ?? '', request.url ?? '');
  if (info === undefined) throw methodNotAllowed();
  const user = authenticate(request);
  if (user === anonymous && !isPublic(info)) throw unauthorized();
  refuseImpersonation(info, request.headers);
  if (info.kind === 'resource') {
    const answer = await handleResource(deps, info, user, request, response);
    if (answer) sendAnswer(response, answer);
    return;
  }
  if (request.method !== 'GET') throw methodNotAllowed();
  const answer = deps.discovery.answer(info.path, request.headers.accept ?? '');
  if (answer === undefined) throw new StatusError(404, 'NotFound', `there is nothing at ${info.path}`, {});
  sendAnswer(response, answer);
}

/** What anybody may know, as on a real cluster: that the server lives, and its version. */
function isPublic(info: RequestInfo): boolean {
  return info.kind === 'other' && /^\/(livez|readyz|version)(\/|$)/.test(info.path);
}
