// The API server's refusals as a person reads them: the field, the value they wrote and what to write instead. Pure.
import type { KubeObject } from '../../kube/api/objects.ts';

export interface Refusal {
  /** Dotted path of the field; empty when the refusal names none. */
  field: string;
  message: string;
}

/** What each amount is written like; the last segment of its path names it. */
const amounts: Readonly<Record<string, { noun: string; unit: string; example: string }>> = {
  energyPerInference: { noun: 'an energy', unit: 'mJ', example: '80mJ' },
  energyPerDay: { noun: 'an energy', unit: 'Wh', example: '5Wh' },
  averagePower: { noun: 'a power', unit: 'W', example: '2.5W' },
};

/** One cause of an Invalid answer, which names its field. */
export function explainCause(object: KubeObject, field: string, message: string): Refusal {
  return { field, message: explainAmount(object, field) ?? `${field}: ${message}` };
}

/** An answer whose text alone names the field: unknown fields, and values of another type. */
export function explainText(object: KubeObject, text: string): Refusal {
  const unknown = /unknown field "([^"]+)"/.exec(text)?.[1] ?? /\.([^\s:]+): field not declared/.exec(text)?.[1];
  if (unknown !== undefined) {
    const around = parentOf(unknown);
    const place = around === '' ? kindOf(object) : `${kindOf(object)}.${around.replaceAll(/\[[^\]]*\]/g, '')}`;
    return {
      field: unknown,
      message: `${unknown} is not a field of ${object.kind}: correct its name or remove it; "kubectl explain ${place}" lists the fields`,
    };
  }
  const [, field, expected] = /\.([^\s:]+): expected ([^,]+), got/.exec(text) ?? [];
  if (field === undefined || expected === undefined) return { field: '', message: text };
  return { field, message: explainAmount(object, field) ?? explainType(object, field, expected) };
}

function explainType(object: KubeObject, field: string, expected: string): string {
  const value = valueAt(object, field);
  const next =
    expected === 'string' && isScalar(value) ? `: write it in quotes, "${String(value)}"` : `: write a ${expected} there`;
  return `${field} is ${JSON.stringify(value)}, not a ${expected}${next}`;
}

/** Undefined where the field is no amount. */
function explainAmount(object: KubeObject, field: string): string | undefined {
  const amount = amounts[/[^.]*$/.exec(field)?.[0] ?? ''];
  const value = valueAt(object, field);
  if (!amount || !isScalar(value)) return undefined;
  const { noun, unit, example } = amount;
  const text = String(value);
  const number = Number.parseFloat(text);
  if (Number.isNaN(number)) return `${field}: ${text} is not ${noun}: write a number with its unit, for example ${example}`;
  if (number <= 0)
    return `${field}: ${text} is not more than zero: write a positive amount with its unit, for example ${example}`;
  if (/^[\d.]+$/.test(text)) return `${field}: ${text} has no unit: write it with its unit, for example ${text}${unit}`;
  return `${field}: ${text} is not ${noun}: write a plain decimal and its unit without a space, for example ${example}`;
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function valueAt(object: KubeObject, field: string): unknown {
  let value: unknown = object;
  for (const [, index, name] of field.matchAll(/\[(\d+)\]|([^.[\]]+)/g)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[index ?? name ?? ''];
  }
  return value;
}

function parentOf(field: string): string {
  return field.includes('.') ? field.slice(0, field.lastIndexOf('.')) : '';
}

function kindOf(object: KubeObject): string {
  return object.kind.toLowerCase();
}
