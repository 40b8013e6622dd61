// Label and field selectors: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
import { badRequest } from '../http/status-error.ts';
import type { JsonObject } from '../schema/json.ts';
import type { CompiledKind } from '../schema/kind.ts';
import { labelsOf } from '../storage/stored-object.ts';

export interface Selection {
  matches(object: JsonObject): boolean;
  /** Nothing is asked for: every object matches. */
  readonly everything: boolean;
  /** The one name asked for with `metadata.name=…`. */
  readonly name: string | undefined;
}

type Test = (object: JsonObject) => boolean;

export function readSelection(kind: CompiledKind, query: URLSearchParams): Selection {
  const labelTests = splitTerms(query.get('labelSelector') ?? '').map(labelTest);
  const fields = splitTerms(query.get('fieldSelector') ?? '').map((term) => fieldTest(kind, term));
  const tests = [...labelTests, ...fields.map(({ test }) => test)];
  return {
    matches: (object) => tests.every((test) => test(object)),
    everything: tests.length === 0,
    name: fields.find(({ name }) => name !== undefined)?.name,
  };
}

/** At commas outside parentheses. */
function splitTerms(selector: string): string[] {
  return selector
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '');
}

const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

function labelTest(term: string): Test {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(term);
  if (set) return setTest(term, set);
  const equality = /^([^=!\s]+)\s*(==?|!=)\s*(.*)$/.exec(term);
  if (equality) {
    const [, key = '', operator, value = ''] = equality;
    checkLabel(term, key, [value]);
    return (object) => (labelsOf(object)[key] === value) === (operator !== '!=');
  }
  const key = term.replace(/^!\s*/, '');
  checkLabel(term, key, []);
  return (object) => Object.hasOwn(labelsOf(object), key) === (key === term);
}

function setTest(term: string, [, key = '', operator, list = '']: RegExpExecArray): Test {
  const values = list.split(',').map((value) => value.trim());
  checkLabel(term, key, values);
  return (object) => {
    const value = labelsOf(object)[key];
    return (value !== undefined && values.includes(value)) === (operator === 'in');
  };
}

function checkLabel(term: string, key: string, values: readonly string[]): void {
  if (labelKey.test(key) && values.every((value) => labelValue.test(value))) return;
  throw badRequest(`unable to parse requirement: "${term}" is not a label requirement such as "a=b", "a in (b,c)" or "!a"`);
}

function fieldTest(kind: CompiledKind, term: string): { test: Test; name?: string } {
  const match = /^([^=!]+)(==?|!=)(.*)$/.exec(term);
  if (!match) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
  const [, field = '', operator, value = ''] = match;
  if (kind.selectableField({ metadata: { name: '', namespace: '' } }, field) === undefined && !isSelectable(kind, field)) {
    throw badRequest(`field label not supported: ${field}`);
  }
  const wanted = operator !== '!=';
  const test: Test = (object) => ((kind.selectableField(object, field) ?? '') === value) === wanted;
  return field === 'metadata.name' && wanted ? { test, name: value } : { test };
}

function isSelectable(kind: CompiledKind, field: string): boolean {
  return field === 'metadata.name' || field === 'metadata.namespace' || kind.definition.selectableFields.includes(`.${field}`);
}
