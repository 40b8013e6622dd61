import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from '../http/status-error.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** The query parameters that every write has. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly force: boolean;
  /** As given; an apply must have one. */
  readonly fieldManager: string;
  /** fieldManager, or the client's name out of User-Agent. */
  readonly manager: string;
  readonly fieldValidation: FieldValidation;
}

const levels: readonly FieldValidation[] = ['Ignore', 'Warn', 'Strict'];

export function readWriteOptions(query: URLSearchParams, headers: IncomingHttpHeaders): WriteOptions {
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((stage) => stage !== 'All')) throw badRequest(`invalid dryRun "${dryRun.join(',')}": the only stage is All`);
  const fieldManager = query.get('fieldManager') ?? '';
  if (fieldManager.length > 128) throw badRequest('fieldManager must have at most 128 characters');
  const wanted = query.get('fieldValidation') ?? '';
  const fieldValidation = wanted === '' ? 'Warn' : levels.find((level) => level === wanted);
  if (fieldValidation === undefined) throw badRequest(`invalid fieldValidation "${wanted}": one of ${levels.join(', ')}`);
  return {
    dryRun: dryRun.length > 0,
    force: query.get('force') === 'true',
    fieldManager,
    manager: fieldManager || clientName(headers['user-agent']),
    fieldValidation,
  };
}

function clientName(userAgent: string | undefined): string {
  return userAgent?.split('/', 1)[0]?.slice(0, 128) || 'unknown';
}
