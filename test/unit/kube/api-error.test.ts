import { expect, test } from 'vitest';
import {
  type ApiError,
  isAlreadyExists,
  isConflict,
  isExpired,
  isNotFound,
  isThrottled,
  parseApiError,
  toError,
  watchError,
} from '../../../kube/api/api-error.ts';

const now = Date.UTC(2026, 0, 1);
const answer = (status: number, reason?: string, extra: object = {}, retryAfter?: string): ApiError =>
  parseApiError('GET /x', {
    status,
    body: reason === undefined ? '' : JSON.stringify({ kind: 'Status', reason, message: 'said', ...extra }),
    now,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });

test.each([
  ['404', answer(404, 'NotFound'), [isNotFound]],
  ['409 Conflict', answer(409, 'Conflict'), [isConflict]],
  ['409 AlreadyExists', answer(409, 'AlreadyExists'), [isAlreadyExists]],
  ['410 Gone', answer(410, 'Gone'), [isExpired]],
  ['410 without a Status', answer(410), [isExpired]],
  ['429', answer(429, 'TooManyRequests'), [isThrottled]],
  ['503 that says when', answer(503, 'ServiceUnavailable', {}, '5'), [isThrottled]],
  ['503 that does not', answer(503, 'ServiceUnavailable'), []],
  ['500', answer(500, 'InternalError'), []],
])('%s is only what it is', (_, error, expected) => {
  const all = [isNotFound, isConflict, isAlreadyExists, isExpired, isThrottled];
  expect(all.filter((predicate) => predicate(error))).toEqual(expected);
});

test('both forms of 410 are expired', () => {
  const status = { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', code: 410, reason: 'Expired' } as const;
  expect(isExpired(watchError('watch x', status))).toBe(true);
});

test('the wait comes from the header, as seconds or a date, else from the details', () => {
  const details = { details: { retryAfterSeconds: 9 } };
  expect(answer(429, 'TooManyRequests', details, '3').retryAfterSeconds).toBe(3);
  expect(answer(429, 'TooManyRequests', {}, 'Thu, 01 Jan 2026 00:00:07 GMT').retryAfterSeconds).toBe(7);
  expect(answer(429, 'TooManyRequests', details).retryAfterSeconds).toBe(9);
  expect(answer(429, 'TooManyRequests', {}, 'soon').retryAfterSeconds).toBeUndefined();
});

test('nobody is made to wait for longer than five minutes, nor for a time that is none', () => {
  expect(answer(429, 'TooManyRequests', {}, '86400').retryAfterSeconds).toBe(300);
  expect(answer(503, 'ServiceUnavailable', {}, 'Fri, 02 Jan 2026 00:00:00 GMT').retryAfterSeconds).toBe(300);
  expect(answer(429, 'TooManyRequests', { details: { retryAfterSeconds: 1e10 } }).retryAfterSeconds).toBe(300);
  expect(answer(429, 'TooManyRequests', { details: { retryAfterSeconds: 'a while' } }).retryAfterSeconds).toBeUndefined();
});

test('causes are kept for whoever shows them', () => {
  const causes = [{ reason: 'FieldValueInvalid', field: 'spec.x', message: 'bad' }];
  expect(answer(422, 'Invalid', { details: { causes } }).details?.causes).toEqual(causes);
});

test('whatever was thrown becomes an Error, an Error stays itself', () => {
  const error = new Error('x');
  expect(toError(error)).toBe(error);
  expect(toError('text').message).toBe('text');
  expect(toError(undefined)).toMatchObject({ message: 'thrown: undefined' });
});
