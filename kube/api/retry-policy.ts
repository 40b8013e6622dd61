// Decides whether a failed call is sent again, and when. Pure, so that its table is its test.
import { ApiError, ConnectionError } from './api-error.ts';

export interface Attempt {
  /** How many times the call was sent already, from 1. */
  count: number;
  /** Sending it twice is the same as once: reads, apply, PUT, DELETE. */
  idempotent: boolean;
  /** Uniform in [0, 1): jitter, so that a fleet does not come back in one wave. */
  random: number;
}

const maxAttempts = 4;
const firstDelaySeconds = 0.25;
/** A longer wait is the caller's to plan: it gets the error with retryAfterSeconds. */
const maxWaitSeconds = 30;

/** The request never reached a server, so that even a POST may be sent again. */
const notSent = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH']);
const interrupted = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);
const transient = new Set([500, 502, 503, 504]);

/** Seconds to wait before the next attempt, or undefined to give up. */
export function retryDelaySeconds(error: unknown, attempt: Attempt): number | undefined {
  if (attempt.count >= maxAttempts) return undefined;
  if (error instanceof ConnectionError) {
    const again = notSent.has(error.code) || (attempt.idempotent && interrupted.has(error.code));
    return again ? backOffSeconds(attempt) : undefined;
  }
  if (!(error instanceof ApiError)) return undefined;
  // A server that throttles has not begun the work: client-go retries every verb then, and so does this.
  const refused = error.status === 429 || (error.status >= 500 && error.retryAfterSeconds !== undefined);
  if (!refused && !(attempt.idempotent && transient.has(error.status))) return undefined;
  const wait = Math.max(error.retryAfterSeconds ?? 0, backOffSeconds(attempt));
  return wait <= maxWaitSeconds ? wait : undefined;
}

function backOffSeconds(attempt: Attempt): number {
  return firstDelaySeconds * 2 ** (attempt.count - 1) * (1 + attempt.random);
}
