import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compileKind } from '../../../standalone/schema/compile-kind.ts';
import { customKinds } from '../../../standalone/schema/custom-kind.ts';
import { duplicateFields } from '../../../standalone/schema/duplicate-fields.ts';
import type { JsonObject } from '../../../standalone/schema/json.ts';
import type { CompiledKind } from '../../../standalone/schema/kind.ts';
import { gauges } from '../../support/api-server-fixtures/gauges.ts';
import { wholeCauseText } from '../../support/api-server-fixtures/recorded-object.ts';
import { identified, laidOver } from '../../support/api-server-fixtures/recorder.ts';
import type { RecordedCase, ValidationCase } from '../../support/api-server-fixtures/validation-cases.ts';

const fixture = new URL('./fixtures/validation-cases.json', import.meta.url);
const recorded: RecordedCase[] = JSON.parse(readFileSync(fixture, 'utf8'));
const kind = compiledGauge();

function compiledGauge(): CompiledKind {
  const [definition] = customKinds(gauges);
  if (!definition) throw new Error('the Gauge definition serves no version');
  return compileKind(definition);
}

const stored = { uid: 'uid', resourceVersion: '1', creationTimestamp: '2024-01-01T00:00:00Z', generation: 1 };

/** An object as it was stored earlier. */
function storedObject(object: JsonObject): JsonObject {
  const complete = kind.default(kind.prune(identified(object, 'Gauge', 'object')).object);
  return { ...complete, metadata: { ...(complete['metadata'] as JsonObject), ...stored } };
}

function judge({ object, old, subresource, text }: ValidationCase): Pick<RecordedCase, 'code' | 'reason' | 'message' | 'causes'> {
  const before = old && storedObject(old);
  const sent: JsonObject = text === undefined ? identified(object, 'Gauge', 'object') : JSON.parse(text);
  const { object: pruned, unknown, malformed } = kind.prune(before ? laidOver(before, object) : sent);
  const prefix = 'Gauge in version "v1" cannot be handled as a Gauge: ';
  if (malformed) return { code: 400, reason: 'BadRequest', message: `${prefix}${malformed}` };
  const complaints = [
    ...duplicateFields(text ?? '{}').map((path) => `duplicate field "${path}"`),
    ...unknown.map((path) => `unknown field "${path}"`),
  ];
  if (complaints.length > 0)
    return { code: 400, reason: 'BadRequest', message: `${prefix}strict decoding error: ${complaints.join(', ')}` };
  const complete = kind.default(pruned);
  const next = before ? kind.prepareForUpdate(complete, before, subresource) : kind.prepareForCreate(complete);
  const causes = kind.validate(next, before, subresource);
  if (causes.length === 0) return { code: before ? 200 : 201 };
  return { code: 422, reason: 'Invalid', causes: causes.map(wholeCauseText).sort() };
}

describe('validation answers as the recorded kube-apiserver did, word for word', () => {
  it.each(recorded)('$name', (tried) => {
    const { code, reason, message, causes } = tried;
    expect(judge(tried)).toEqual({
      code,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      ...(causes === undefined ? {} : { causes }),
    });
  });
});
