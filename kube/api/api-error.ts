// Every way a call to an API server can fail, typed once: nothing else in the tree matches on message text.
import type { Status } from './objects.ts';

/** Retry-After is a courtesy: a date read with a wrong clock, or a proxy that says a day, must not keep a cache or a key that long. */
const longestPatienceSeconds = 300;

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** metav1.StatusReason, such as `NotFound`; empty when the answer was no Status (a proxy's page, for example). */
  readonly reason: string;
  readonly details?: Status['details'];
  /** 300 at most. */
  readonly retryAfterSeconds?: number;

  constructor(answer: {
    status: number;
    reason: string;
    message: string;
    details?: Status['details'];
    retryAfterSeconds?: number;
  }) {
    super(answer.message);
    this.status = answer.status;
    this.reason = answer.reason;
    if (answer.details !== undefined) this.details = answer.details;
    const { retryAfterSeconds } = answer;
    if (Number.isFinite(retryAfterSeconds)) this.retryAfterSeconds = Math.min(Number(retryAfterSeconds), longestPatienceSeconds);
  }
}

/** No answer at all: refused, reset, timed out, or a certificate that does not fit. `code` is Node's or undici's. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** An HTTP answer that is no success. `call` is `GET /path`, for the message. */
export function parseApiError(
  call: string,
  answer: { status: number; body: string; retryAfter?: string; now: number },
): ApiError {
  const status = parseStatus(answer.body);
  const retryAfterSeconds = parseRetryAfter(answer.retryAfter, answer.now) ?? status?.details?.retryAfterSeconds;
  const reason = status?.reason ?? '';
  const said = status?.message ?? answer.body.trim().slice(0, 200);
  return new ApiError({
    status: answer.status,
    reason,
    message: `${call}: ${[answer.status, reason].filter(Boolean).join(' ')}${said === '' ? '' : `: ${said}`}`,
    ...(status?.details === undefined ? {} : { details: status.details }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** The ERROR event inside a watch that began with 200. */
export function watchError(call: string, status: Status): ApiError {
  return new ApiError({
    status: status.code ?? 500,
    reason: status.reason ?? '',
    message: `${call}: the watch ended with ${status.code ?? 500} ${status.reason ?? ''}: ${status.message ?? 'no message'}`,
    ...(status.details === undefined ? {} : { details: status.details }),
    ...(status.details?.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: status.details.retryAfterSeconds }),
  });
}

export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

/** A stale resourceVersion, a wrong uid, or fields that another manager owns; not "already exists". */
export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409 && error.reason !== 'AlreadyExists';
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return error instanceof ApiError && error.reason === 'AlreadyExists';
}

/** Both forms of 410: as an HTTP status and as the ERROR event of a watch. */
export function isExpired(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

/** The version that was asked for lies ahead of all that the server knows: it was restored from a backup, or lags behind another. */
export function isAhead(error: unknown): error is ApiError {
  return (
    error instanceof ApiError && (error.details?.causes?.some(({ reason }) => reason === 'ResourceVersionTooLarge') ?? false)
  );
}

export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}

export function isUnauthorized(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 401;
}

export function isInvalid(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 422;
}

/** The server asks for patience: 429, or any 5xx that says when to come back. */
export function isThrottled(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 429 || (error.status >= 500 && error.retryAfterSeconds !== undefined));
}

export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(typeof thrown === 'string' ? thrown : `thrown: ${String(thrown)}`, {
    cause: thrown,
  });
}

function parseStatus(body: string): Status | undefined {
  if (!body.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    return isStatus(parsed) ? parsed : undefined;
  } catch {
    return undefined; // a cut or foreign body: the message then shows its beginning
  }
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}

/** RFC 9110: seconds, or an HTTP date. */
function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}
