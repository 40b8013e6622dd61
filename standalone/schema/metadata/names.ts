// What may be a name, a label, an annotation key. Rules and wording: k8s.io/apimachinery, api/validate/content.

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelExpression = new RegExp(`^${label}$`);
const subdomainExpression = new RegExp(`^${subdomain}$`);
const qualifiedExpression = new RegExp(`^${qualified}$`);

function characters(rule: string, expression: string, ...examples: string[]): string {
  const list = examples.map((example) => `'${example}'`).join(',  or ');
  return `${rule} (e.g. ${list}, regex used for validation is '${expression}')`;
}

type Unit = 'bytes' | 'characters';

function atMost(length: number, unit: Unit): string {
  return `must be no more than ${length} ${unit}`;
}

function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

export function labelProblems(name: string): string[] {
  const problems = byteLength(name) > 63 ? [atMost(63, 'characters')] : [];
  if (labelExpression.test(name)) return problems;
  if (subdomainExpression.test(name)) return [...problems, 'must not contain dots'];
  const rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [...problems, characters(rule, label, 'my-name', '123-abc')];
}

/** Kubernetes words the same limit in two ways: characters for names, bytes for prefixes. */
export function subdomainProblems(name: string, unit: Unit = 'characters'): string[] {
  const problems = byteLength(name) > 253 ? [atMost(253, unit)] : [];
  if (subdomainExpression.test(name)) return problems;
  const rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [...problems, characters(rule, subdomain, 'example.com')];
}

export function pathSegmentProblems(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((character) => name.includes(character)).map((character) => `may not contain '${character}'`);
}

/** Keys of labels and annotations, and finalizers: an optional subdomain and a slash, then a name. */
export function qualifiedNameProblems(name: string): string[] {
  const rule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const wording = characters(rule, qualified, 'MyName', 'my.name', '123-abc');
  const parts = name.split('/');
  if (parts.length > 2)
    return [`a valid label key ${wording} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const [last = ''] = parts.slice(-1);
  const prefix = parts.length === 2 ? (parts[0] ?? '') : undefined;
  return [
    ...(prefix === undefined
      ? []
      : prefix === ''
        ? ['prefix part must be non-empty']
        : prefixed('prefix part ', subdomainProblems(prefix, 'bytes'))),
    ...(last === '' ? ['name part must be non-empty'] : byteLength(last) > 63 ? [`name part ${atMost(63, 'bytes')}`] : []),
    ...(qualifiedExpression.test(last) ? [] : [`name part ${wording}`]),
  ];
}

function prefixed(prefix: string, problems: readonly string[]): string[] {
  return problems.map((problem) => `${prefix}${problem}`);
}

export function labelValueProblems(value: string): string[] {
  const problems = byteLength(value) > 63 ? [atMost(63, 'bytes')] : [];
  if (value === '' || qualifiedExpression.test(value)) return problems;
  const rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  return [...problems, characters(rule, `(${qualified})?`, 'MyValue', 'my_value', '12345')];
}
