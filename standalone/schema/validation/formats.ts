// The string formats that are checked: those that a kind uses. Any other is ignored, as Kubernetes ignores those that it does not know.
import type { StructuralSchema } from '../structural-schema.ts';

type Format = 'byte' | 'datetime';

const checks: Record<Format, (text: string) => boolean> = {
  byte: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text.replaceAll(/[\r\n]/g, '')),
  datetime: isDateTime,
};

/** Which check a string schema asks for, if it is one of ours. Dashes in names do not matter. */
export function checkedFormat(schema: StructuralSchema): Format | undefined {
  if (schema.format === undefined || (schema.type !== undefined && schema.type !== 'string')) return undefined;
  const name = schema.format.replaceAll('-', '');
  return isFormat(name) ? name : undefined;
}

function isFormat(name: string): name is Format {
  return Object.hasOwn(checks, name);
}

export function matchesFormat(format: Format, text: string): boolean {
  return checks[format](text);
}

function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}(?::\d{2})?)([.,]\d+)?(Z|z|[-+]\d{2}:?\d{2})?$/.exec(text);
  return match !== null && isRealDate(`${match[1]}T00:00:00Z`) && !Number.isNaN(Date.parse(`${match[1]}T${match[2]}Z`));
}

/** Date.parse accepts 30 February; a date that comes back changed was none. */
function isRealDate(text: string): boolean {
  const milliseconds = Date.parse(text);
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().slice(0, 10) === text.slice(0, 10);
}
