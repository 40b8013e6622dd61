import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { decodeJoinToken, type JoinError, type JoinRequest, type JoinResponse, joinPath } from '../../crds/join.ts';
import { productVersion } from '../../crds/product-version.ts';
import type { JoinSource } from '../options.ts';
import { createCertificateRequest, createDeviceKey } from './certificate-request.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { fetchPinnedAuthority } from './pinned-authority.ts';

/** The controller said no, and why; `retry` is false when asking again cannot help. */
export class JoinRefused extends Error {
  readonly reason: JoinError['reason'];
  readonly retry: boolean;

  constructor(error: JoinError) {
    super(`the controller does not take this device: ${error.error}; ${error.next}`);
    this.name = 'JoinRefused';
    this.reason = error.reason;
    this.retry = error.reason === 'Unavailable' || error.reason === 'NotSigned';
  }
}

export interface JoinOrder {
  name: string;
  source: JoinSource;
  deviceClassName?: string;
  /** PKCS#8 PEM; a new one when absent. A call that may be repeated is repeated with the same. */
  key?: string;
}

/** First certificate. @throws JoinRefused, or the error of the connection. */
export async function joinFleet(order: JoinOrder, signal: AbortSignal): Promise<DeviceIdentity> {
  const door = await openDoor(order.source, signal);
  const key = order.key ?? createDeviceKey();
  return call(door, {}, key, requestOf(order, key, door.token), signal);
}

/** A new certificate for a new key, asked for with the old one. */
export async function renewIdentity(
  identity: DeviceIdentity,
  signal: AbortSignal,
  key: string = createDeviceKey(),
): Promise<DeviceIdentity> {
  const order = requestOf({ name: identity.name }, key, undefined);
  return call(identity.join, { cert: identity.certificate, key: identity.key }, key, order, signal);
}

function requestOf(order: { name: string; deviceClassName?: string }, key: string, token: JoinRequest['token']): JoinRequest {
  return {
    name: order.name,
    certificateRequest: createCertificateRequest(order.name, key),
    agentVersion: productVersion,
    ...(token === undefined ? {} : { token }),
    ...(order.deviceClassName === undefined ? {} : { deviceClassName: order.deviceClassName }),
  };
}

interface Door {
  url: string;
  certificateAuthority: string;
  token: NonNullable<JoinRequest['token']>;
}

async function openDoor(source: JoinSource, signal: AbortSignal): Promise<Door> {
  switch (source.kind) {
    case 'JoinToken': {
      const token = decodeJoinToken(source.token);
      const certificateAuthority = await fetchPinnedAuthority(token.url, token.caFingerprint, signal);
      return { url: token.url, certificateAuthority, token: { kind: 'JoinToken', value: source.token } };
    }
    case 'ServiceAccountToken': {
      const value = (await readFile(source.tokenFile, 'utf8')).trim();
      const certificateAuthority = await readFile(source.certificateAuthorityFile, 'utf8');
      return { url: source.url, certificateAuthority, token: { kind: 'ServiceAccountToken', value } };
    }
  }
}

async function call(
  door: { url: string; certificateAuthority: string },
  client: { cert?: string; key?: string },
  key: string,
  body: JoinRequest,
  signal: AbortSignal,
): Promise<DeviceIdentity> {
  const dispatcher = new Agent({ connect: { ca: door.certificateAuthority, ...client }, headersTimeout: 60_000 });
  try {
    const response = await request(new URL(joinPath, door.url), {
      method: 'POST',
      dispatcher,
      signal,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.body.text();
    if (response.statusCode !== 200 && response.statusCode !== 201) throw refusal(response.statusCode, text);
    const answer = JSON.parse(text) as JoinResponse;
    return {
      name: body.name,
      key,
      certificate: answer.certificate,
      deviceUid: answer.deviceUid,
      join: { url: door.url, certificateAuthority: door.certificateAuthority },
      apiServer: answer.apiServer,
      artifacts: answer.artifacts,
    };
  } finally {
    await dispatcher.close();
  }
}

function refusal(status: number, text: string): Error {
  try {
    const parsed = JSON.parse(text) as Partial<JoinError>;
    if (typeof parsed.error === 'string' && typeof parsed.reason === 'string')
      return new JoinRefused({
        error: parsed.error,
        reason: parsed.reason,
        next: parsed.next ?? 'see the log of the controller',
      });
  } catch {
    // not the controller's own answer: said below
  }
  return new Error(`the join call was answered with ${status}: ${text.slice(0, 200)}`);
}
