// POST /join: turns a token (or the certificate in use) into a client certificate, an EdgeDevice and a Lease.
import type { Logger } from 'pino';
import type { JoinRequest, JoinResponse } from '../../crds/join.ts';
import { simulatedSuffix } from '../../crds/names.ts';
import { toError } from '../../kube/api/api-error.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { bindName, ensureLease } from './bind-name.ts';
import type { Caller } from './caller.ts';
import { checkCertificateRequest, isDeviceName } from './certificate-request.ts';
import { refuse } from './join-refused.ts';
import { checkJoinToken } from './join-tokens.ts';
import { reviewServiceAccountToken } from './service-account.ts';
import { signClientCertificate } from './sign.ts';

export interface JoinDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
}

export interface JoinOptions {
  systemNamespace: string;
  /** Asked for every answer: its authority can be another one by then. */
  apiServer: () => Promise<JoinResponse['apiServer']>;
  artifacts: () => JoinResponse['artifacts'];
  /** Makes sure that the class of a simulated device is there. @returns which class is missing for that. */
  ensureSimulatedClass: (className: string, signal: AbortSignal) => Promise<string | undefined>;
}

/** @throws JoinRefused with what to tell the caller. */
export async function join(
  deps: JoinDeps,
  options: JoinOptions,
  body: unknown,
  caller: Caller,
  signal: AbortSignal,
): Promise<JoinResponse> {
  const request = parseRequest(body);
  const fingerprint = await checkCertificateRequest(request.certificateRequest, request.name).catch((error: unknown) => {
    throw refuse(400, 'BadRequest', messageOf(error), 'send a PKCS#10 request made with the device\u2019s own key');
  });
  const renewal = await authenticate(deps, options, request, caller, signal);
  if (request.deviceClassName !== undefined) {
    const missing = await options.ensureSimulatedClass(request.deviceClassName, signal);
    // A controller that has just started is about to make the shipped classes: the agent asks again.
    if (missing !== undefined) throw refuse(503, 'Unavailable', missing, 'create that class, or simulate another');
  }
  const device = await bindName(deps.client, request, fingerprint, renewal, signal);
  await ensureLease(deps.client, device, signal);
  const certificate = await signClientCertificate(deps, request.name, request.certificateRequest, signal).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      throw refuse(503, 'NotSigned', messageOf(error), 'the agent tries again by itself');
    },
  );
  deps.logger.info({ device: request.name, renewal: renewal !== undefined, agentVersion: request.agentVersion }, 'device joined');
  return { certificate, apiServer: await options.apiServer(), artifacts: options.artifacts(), deviceUid: device.metadata.uid };
}

function parseRequest(body: unknown): JoinRequest {
  const request = (typeof body === 'object' && body !== null ? body : {}) as Partial<JoinRequest>;
  if (typeof request.name !== 'string' || !isDeviceName(request.name))
    throw refuse(
      400,
      'BadRequest',
      `"${String(request.name).slice(0, 80)}" is not a device name`,
      'use at most 63 lower-case letters, digits and hyphens',
    );
  if (typeof request.certificateRequest !== 'string' || typeof request.agentVersion !== 'string')
    throw refuse(400, 'BadRequest', 'certificateRequest or agentVersion is missing', 'send both as strings');
  const { deviceClassName: className } = request;
  if (
    className !== undefined &&
    !(typeof className === 'string' && isDeviceName(className) && className.endsWith(simulatedSuffix))
  )
    throw refuse(
      400,
      'BadRequest',
      `a device cannot ask for class "${String(className)}"`,
      `only classes that end in ${simulatedSuffix} can be asked for; an operator sets spec.deviceClassName`,
    );
  return request as JoinRequest;
}

/** @returns the caller when the call renews the identity it is authenticated by. */
async function authenticate(
  deps: JoinDeps,
  options: JoinOptions,
  request: JoinRequest,
  caller: Caller,
  signal: AbortSignal,
): Promise<Caller | undefined> {
  const token = request.token;
  if (token === undefined) {
    if (caller.deviceName === request.name) return caller;
    const who = caller.userName === undefined ? 'no valid client certificate' : `the certificate of ${caller.userName}`;
    throw refuse(
      401,
      'InvalidToken',
      `the call carries no token and ${who}`,
      'send a join token ("jouleops device token"), or the certificate of this device',
    );
  }
  if (token.kind === 'ServiceAccountToken') {
    const review = await reviewServiceAccountToken(deps.client, token.value, request.name, signal);
    if (review.kind === 'refused')
      throw refuse(
        401,
        'InvalidToken',
        review.message,
        'mount a projected token with audience jouleops on the node that names the device',
      );
    return undefined;
  }
  const check = await checkJoinToken(deps, options.systemNamespace, token.value, signal);
  const next = 'make a new token with "jouleops device token"';
  if (check.kind === 'expired') throw refuse(401, 'ExpiredToken', `the join token expired at ${check.expires}`, next);
  if (check.kind === 'invalid') throw refuse(401, 'InvalidToken', check.message, next);
  return undefined;
}

function messageOf(error: unknown): string {
  return toError(error).message;
}
