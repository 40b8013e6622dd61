import type { IncomingHttpHeaders } from 'node:http';
import { invalidOption } from '../http/status-error.ts';

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

const maximumManagerLength = 128;
const levels: readonly FieldValidation[] = ['Ignore', 'Warn', 'Strict'];

export type WriteOptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions';

export function readWriteOptions(query: URLSearchParams, headers: IncomingHttpHeaders, kind: WriteOptionsKind): WriteOptions {
  const unsupported = (field: string, value: string, supported: readonly string[]) => {
    const message = `Unsupported value: "${value}": supported values: ${supported.map((each) => `"${each}"`).join(', ')}`;
    return invalidOption(kind, { reason: 'FieldValueNotSupported', field, message });
  };
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((stage) => stage !== 'All')) throw unsupported('dryRun', dryRun.join(','), ['All']);
  const fieldManager = query.get('fieldManager') ?? '';
  if (fieldManager.length > maximumManagerLength) {
    const message = `Too long: may not be more than ${maximumManagerLength} bytes`;
    throw invalidOption(kind, { reason: 'FieldValueTooLong', field: 'fieldManager', message });
  }
  const wanted = query.get('fieldValidation') ?? '';
  const fieldValidation = wanted === '' ? 'Warn' : levels.find((level) => level === wanted);
  if (fieldValidation === undefined) throw unsupported('fieldValidation', wanted, levels);
  return {
    dryRun: dryRun.length > 0,
    force: query.get('force') === 'true',
    fieldManager,
    manager: fieldManager || clientName(headers['user-agent']),
    fieldValidation,
  };
}

function clientName(userAgent: string | undefined): string {
  return userAgent?.split('/', 1)[0]?.slice(0, maximumManagerLength) || 'unknown';
}
