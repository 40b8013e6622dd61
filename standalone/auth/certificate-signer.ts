import type { Logger } from 'pino';
import { toError } from '../../kube/api/api-error.ts';
import { type RegistryContext, timestamp } from '../registry/context.ts';
import { storageKey } from '../registry/served-kind.ts';
import { isObject, type JsonObject, objectOf } from '../schema/json.ts';
import type { Transaction } from '../storage/object-store.ts';
import { nameOf, parseObject, text } from '../storage/stored-object.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { conditionsOf } from './certificate-request.ts';

/** What kube-controller-manager signs for: client certificates of the API server. */
const clientSignerName = 'kubernetes.io/kube-apiserver-client';

const daySeconds = 86_400;
const maximumSeconds = 365 * daySeconds;
const minimumSeconds = 600;
const allowedUsages = new Set(['client auth', 'digital signature', 'key encipherment']);

type Deps = RegistryContext & { readonly authority: CertificateAuthority; readonly logger: Logger };

/** Signs approved certificate requests, also those that were approved before the server started. */
export function startCertificateSigner(deps: Deps): { close(): void } {
  const { store, registry, logger } = deps;
  const resource = registry.certificateSigningRequests.storage;
  const consider = (request: JsonObject) => {
    if (!isSignable(request)) return;
    sign(deps, request).catch((error: unknown) =>
      logger.error({ err: error, request: nameOf(request) }, 'cannot sign a certificate request'),
    );
  };
  const close = store.onCommit((changes) => {
    for (const change of changes) if (change.resource === resource && change.type !== 'DELETED') consider(change.object);
  });
  for (const row of store.list(resource, {})) consider(parseObject(row.body));
  return { close };
}

function isSignable(request: JsonObject): boolean {
  if (text(objectOf(request['spec']), 'signerName') !== clientSignerName) return false;
  const status = objectOf(request['status']);
  const has = (type: string) => conditionsOf(status).some((condition) => isObject(condition) && condition['type'] === type);
  return status['certificate'] === undefined && has('Approved') && !has('Denied') && !has('Failed');
}

async function sign({ store, registry, authority, clock }: Deps, request: JsonObject): Promise<void> {
  const outcome = await certify(authority, objectOf(request['spec']));
  const key = storageKey(registry.certificateSigningRequests, undefined, nameOf(request));
  await store.write((transaction) => record(transaction, key, outcome, timestamp(clock)));
}

type Outcome = { kind: 'signed'; certificate: string } | { kind: 'failed'; reason: string; message: string };

async function certify(authority: CertificateAuthority, spec: JsonObject): Promise<Outcome> {
  const usages = Array.isArray(spec['usages']) ? spec['usages'] : [];
  const foreign = usages.filter((usage) => typeof usage !== 'string' || !allowedUsages.has(usage));
  if (foreign.length > 0 || !usages.includes('client auth')) {
    const message = `usages must hold "client auth" and may hold "digital signature" and "key encipherment", got ${JSON.stringify(usages)}`;
    return { kind: 'failed', reason: 'SignerValidationFailure', message };
  }
  const wanted = spec['expirationSeconds'];
  const seconds = Math.min(Math.max(typeof wanted === 'number' ? wanted : maximumSeconds, minimumSeconds), maximumSeconds);
  try {
    const certificate = await authority.signClient(Buffer.from(text(spec, 'request'), 'base64').toString(), seconds);
    return { kind: 'signed', certificate: Buffer.from(certificate).toString('base64') };
  } catch (error) {
    const message = `cannot read the request: ${toError(error).message}`;
    return { kind: 'failed', reason: 'SignerValidationFailure', message };
  }
}

function record(transaction: Transaction, key: Parameters<Transaction['read']>[0], outcome: Outcome, now: string): void {
  const live = transaction.read(key);
  if (live === undefined || !isSignable(live)) return;
  const status = objectOf(live['status']);
  if (outcome.kind === 'signed') {
    transaction.put(key, { ...live, status: { ...status, certificate: outcome.certificate } });
    return;
  }
  const { reason, message } = outcome;
  const failed = { type: 'Failed', status: 'True', reason, message, lastUpdateTime: now, lastTransitionTime: now };
  transaction.put(key, { ...live, status: { ...status, conditions: [...conditionsOf(status), failed] } });
}
