// Decides whether a failed call is sent again, and when. Pure, so that its table is its test.
import { ApiError, ConnectionError } from './api-error.ts';

export interface Attempt {
  /** How many times the call was sent already, from 1. */
  count: number;
  /** Sending it twice is the same as once: reads, apply, PUT, DELETE. */
  idempotent: boolean;
  read: boolean;
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
/** Said by what stands before the server, or by a server that cannot work at the moment. */
const unavailable = new Set([502, 503, 504]);

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
  if (!refused && !(attempt.idempotent && (unavailable.has(error.status) || mayPass(error, attempt)))) return undefined;
  const wait = Math.max(error.retryAfterSeconds ?? 0, backOffSeconds(attempt));
  return wait <= maxWaitSeconds ? wait : undefined;
}

/**
 * A bare 500. client-go never repeats one, because it may be for good: a server that cannot type a stored or sent object says 500
 * to every patch of it ("failed to create manager for existing fields"). But etcd's change of leader is a 500 too, so a read may
 * hope as long as elsewhere, and a write once, soon; whoever owns the write has a queue with a back-off of its own.
 */
function mayPass(error: ApiError, attempt: Attempt): boolean {
  return error.status === 500 && (attempt.read || attempt.count === 1);
}

function backOffSeconds(attempt: Attempt): number {
  return firstDelaySeconds * 2 ** (attempt.count - 1) * (1 + attempt.random);
}
