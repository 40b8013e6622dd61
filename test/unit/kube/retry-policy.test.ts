import { expect, test } from 'vitest';
import { ApiError, ConnectionError } from '../../../kube/api/api-error.ts';
import { retryDelaySeconds } from '../../../kube/api/retry-policy.ts';

const answer = (status: number, retryAfterSeconds?: number) =>
  new ApiError({ status, reason: '', message: 'x', ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
const lost = (code: string) => new ConnectionError(code, 'x', undefined);
const read = { count: 1, idempotent: true, read: true, random: 0 };
const apply = { ...read, read: false };
const create = { ...apply, idempotent: false };

test.each([
  ['a read after 500', answer(500), read, 0.25],
  ['a read after 502', answer(502), read, 0.25],
  ['a read after 501', answer(501), read, undefined],
  ['a read after 404', answer(404), read, undefined],
  ['a read after 409', answer(409), read, undefined],
  ['a read after 410', answer(410), read, undefined],
  ['a read after 429 that names 5 s', answer(429, 5), read, 5],
  ['a read after 429 that names nothing', answer(429), read, 0.25],
  ['a read after 429 that names 2 minutes', answer(429, 120), read, undefined],
  ['a read after a reset', lost('ECONNRESET'), read, 0.25],
  ['a read after a bad certificate', lost('CERT_HAS_EXPIRED'), read, undefined],
  ['a read after a refused connection', lost('ECONNREFUSED'), read, 0.25],
  ['a read after 500, the third time', answer(500), { ...read, count: 3 }, 1],
  ['an apply after 500: once, soon', answer(500), apply, 0.25],
  ['an apply after a second 500: it may be for good', answer(500), { ...apply, count: 2 }, undefined],
  ['an apply after 500 with a time to come back', answer(500, 2), { ...apply, count: 2 }, 2],
  ['an apply after a second 503: somebody will be there again', answer(503), { ...apply, count: 2 }, 0.5],
  ['an apply after a second reset', lost('ECONNRESET'), { ...apply, count: 2 }, 0.5],
  ['a create after 500', answer(500), create, undefined],
  ['a create after 503 that names 1 s', answer(503, 1), create, 1],
  ['a create after 429', answer(429), create, 0.25],
  ['a create after a reset', lost('ECONNRESET'), create, undefined],
  ['a create after a refused connection: it was never sent', lost('ECONNREFUSED'), create, 0.25],
  ['the second retry', answer(500), { ...read, count: 2 }, 0.5],
  ['the second retry with jitter', answer(500), { ...read, count: 2, random: 0.5 }, 0.75],
  ['the fourth attempt is the last', answer(500), { ...read, count: 4 }, undefined],
  ['something else entirely', new Error('x'), read, undefined],
])('%s', (_, error, attempt, seconds) => {
  expect(retryDelaySeconds(error, attempt)).toBe(seconds);
});
