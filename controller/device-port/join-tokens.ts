// Join tokens: minted for people, stored hashed in one Secret, good until they expire.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { decodeJoinToken, encodeJoinToken } from '../../crds/join.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../kube/api/api-error.ts';
import { secrets } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Clock } from '../../kube/runtime/clock.ts';

const secretName = 'jouleops-join-tokens';
const maximumTokens = 500;

interface StoredToken {
  /** sha256 of the secret, hex; the secret itself has 256 bits, so no slow hash is needed. */
  hash: string;
  expires: string;
}

export interface TokenDeps {
  client: Client;
  clock: Clock;
}

/** Mints a token; expired ones are removed by the same write. */
export async function mintJoinToken(
  deps: TokenDeps,
  request: { namespace: string; url: string; caFingerprint: string; validSeconds: number },
  signal: AbortSignal,
): Promise<string> {
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  const expires = new Date(deps.clock.now() + request.validSeconds * 1000).toISOString();
  const entry: StoredToken = { hash: hashOf(secret), expires };
  await store(deps, request.namespace, id, entry, signal);
  return encodeJoinToken({ url: request.url, caFingerprint: request.caFingerprint, id, secret, expires });
}

export type TokenCheck = { kind: 'valid' } | { kind: 'expired'; expires: string } | { kind: 'invalid'; message: string };

/** Checks a presented token against the stored hash. */
export async function checkJoinToken(deps: TokenDeps, namespace: string, text: string, signal: AbortSignal): Promise<TokenCheck> {
  let token: ReturnType<typeof decodeJoinToken>;
  try {
    token = decodeJoinToken(text);
  } catch (error) {
    return { kind: 'invalid', message: error instanceof Error ? error.message : 'not a join token' };
  }
  const stored = (await read(deps.client, namespace, signal))?.tokens.get(token.id);
  const unknown = { kind: 'invalid', message: 'this controller does not know the token, or it was removed' } as const;
  if (!stored) return unknown;
  const presented = Buffer.from(hashOf(token.secret), 'hex');
  const expected = Buffer.from(stored.hash, 'hex');
  if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) return unknown;
  if (Date.parse(stored.expires) <= deps.clock.now()) return { kind: 'expired', expires: stored.expires };
  return { kind: 'valid' };
}

async function store(deps: TokenDeps, namespace: string, id: string, entry: StoredToken, signal: AbortSignal): Promise<void> {
  for (;;) {
    const current = await read(deps.client, namespace, signal);
    const live = [...(current?.tokens ?? [])].filter(([, token]) => Date.parse(token.expires) > deps.clock.now());
    if (live.length >= maximumTokens)
      throw new Error(
        `there are already ${live.length} join tokens that have not expired: delete Secret ${namespace}/${secretName}`,
      );
    const data = Object.fromEntries([...live, [id, entry] as const].map(([key, token]) => [key, encode(token)]));
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: secretName, namespace }, type: 'Opaque', data };
    try {
      if (current) {
        const metadata = { ...secret.metadata, resourceVersion: current.resourceVersion };
        await deps.client.replace(secrets, { ...secret, metadata }, { signal });
      } else await deps.client.create(secrets, secret, { signal });
      return;
    } catch (error) {
      if (!(isConflict(error) || isAlreadyExists(error))) throw error;
    }
  }
}

async function read(client: Client, namespace: string, signal: AbortSignal) {
  try {
    const secret = await client.get(secrets, { namespace, name: secretName }, { signal });
    const tokens = new Map<string, StoredToken>();
    for (const [id, value] of Object.entries(secret.data ?? {})) {
      const token = decode(value);
      if (token) tokens.set(id, token);
    }
    return { tokens, resourceVersion: secret.metadata.resourceVersion };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function encode(token: StoredToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64');
}

function decode(value: string): StoredToken | undefined {
  try {
    const parsed = JSON.parse(Buffer.from(value, 'base64').toString('utf8')) as Partial<StoredToken>;
    return typeof parsed.hash === 'string' && typeof parsed.expires === 'string'
      ? { hash: parsed.hash, expires: parsed.expires }
      : undefined;
  } catch {
    return undefined;
  }
}
