// Writes the TypeScript types beside the definitions: `npm run generate` after every change of a YAML file.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type CustomResourceDefinition, loadCustomResourceDefinitions, type SchemaNode } from './manifests.ts';
import { comment, objectType, union } from './type-text.ts';

/** A title's type is declared in the file of the first kind that uses it, in this order; the rest import it. */
const kindOrder = [
  'ModelDeployment',
  'ModelInstance',
  'ModelVersion',
  'EdgeDevice',
  'DeviceClass',
  'FleetRepository',
  'TrainingRun',
] as const;

/** Types that belong to no kind: declared in shared.ts. */
const sharedTitles = new Set([
  'Boundary',
  'Quantity',
  'EnergyVerdict',
  'Interval',
  'Runtime',
  'CsvMapping',
  'Serving',
  'ArtifactSource',
  'ArtifactReference',
  'ExternalDataFile',
  'ClassKeyParts',
]);

/** What several shapes have in common: every titled object with all of these properties extends it. */
const bases = new Map([
  ['Interval', { description: 'A central value and its interval, unit strings.', properties: ['value', 'lower', 'upper'] }],
  [
    'BudgetAmounts',
    { description: 'What a budget can limit.', properties: ['energyPerInference', 'averagePower', 'energyPerDay'] },
  ],
  ['ArtifactReference', { description: 'Bytes by digest, and where to fetch them.', properties: ['digest', 'size', 'sources'] }],
]);

/** Words for a type that is used for several things; the others take the words of the one place where they stand. */
const comments = new Map([
  ['Slot', 'A revision, and all that a device needs to load, serve and judge it.'],
  ['Boundary', 'What a meter or a model covers. Values of different boundaries are never compared.'],
  ['Quantity', 'Active energy includes the share of the idle board while it serves; marginal energy is above idle.'],
  ['EnergyVerdict', 'How a predicted or measured interval compares with a budget.'],
  ['EnergyReading', 'Measured energy per inference.'],
  ['AbsentReading', 'Why a number is absent: never zero, never the last value.'],
  ['ClassKeyParts', 'What a predictor was trained for, or what a device runs.'],
  ['ArtifactSource', 'Where bytes can be fetched from.'],
]);

const objectsModule = '../kube/api/objects.ts';
interface Declaration {
  file: string;
  schema: SchemaNode;
  text: string;
  /** Titles that the text names. */
  uses: Set<string>;
}

/** File name → text, for every generated file. @throws Error when one title stands for two shapes, or a kind has no place. */
export function generateTypes(definitions: readonly CustomResourceDefinition[]): Map<string, string> {
  const declarations = new Map<string, Declaration>();
  for (const kind of kindOrder) declareKind(kind, definitions, declarations);
  const unplaced = definitions.find(({ spec }) => !kindOrder.some((kind) => kind === spec.names.kind));
  if (unplaced) throw new Error(`${unplaced.spec.names.kind} has no place: add it to kindOrder in crds/generate.ts`);
  const files = new Map<string, string>();
  for (const file of new Set([...declarations.values()].map((declaration) => declaration.file))) {
    files.set(file, render(file, declarations));
  }
  return files;
}

function declareKind(
  kind: string,
  definitions: readonly CustomResourceDefinition[],
  declarations: Map<string, Declaration>,
): void {
  const definition = definitions.find(({ spec }) => spec.names.kind === kind);
  const root = definition?.spec.versions[0]?.schema.openAPIV3Schema;
  if (!root?.properties?.['spec'] || !root.properties['status']) throw new Error(`crds/ has no complete definition of ${kind}`);
  const file = fileOf(kind);
  const uses = new Set(['KubeObject', `${kind}Spec`, `${kind}Status`]);
  const text = `${comment(root.description, '')}export interface ${kind} extends KubeObject {\n  spec: ${kind}Spec;\n  status?: ${kind}Status;\n}\n`;
  declarations.set(kind, { file, schema: root, text, uses });
  declareTitled(root.properties['spec'], file, declarations);
  declareTitled(root.properties['status'], file, declarations);
}

/** Declares the schema's title and those below it, each once. */
function declareTitled(schema: SchemaNode, file: string, declarations: Map<string, Declaration>): void {
  const title = schema.title;
  if (title === 'Condition') return;
  if (title !== undefined) {
    const known = declarations.get(title);
    if (known) {
      mustBeSameShape(title, known.schema, schema);
      return;
    }
    const uses = new Set<string>();
    const declaration: Declaration = { file: sharedTitles.has(title) ? 'shared.ts' : file, schema, text: '', uses };
    declarations.set(title, declaration);
    declaration.text = declare(title, schema, declaration.file, declarations, uses);
  }
  for (const child of children(schema)) declareTitled(child, file, declarations);
}

function declare(
  title: string,
  schema: SchemaNode,
  file: string,
  declarations: Map<string, Declaration>,
  uses: Set<string>,
): string {
  const head = comment(comments.get(title) ?? schema.description, '');
  if (schema.type !== 'object') {
    const values = (schema.enum ?? []).map((value) => `'${value}'`);
    return `${head}export type ${title} = ${union(values, `export type ${title} = `.length + 1, '  ')};\n`;
  }
  const base = [...bases].find(([name, { properties }]) => name !== title && properties.every((key) => schema.properties?.[key]));
  if (!base) return `${head}export interface ${title} ${objectType(schema, '', uses)}\n`;
  const [name, { description, properties }] = base;
  uses.add(name);
  const inherited = narrowed(schema, (key) => properties.includes(key));
  const known = declarations.get(name);
  if (known)
    mustBeSameShape(
      name,
      narrowed(known.schema, () => true),
      inherited,
    );
  else declareTitled({ ...inherited, title: name, description }, file, declarations);
  return `${head}export interface ${title} extends ${name} ${objectType(
    narrowed(schema, (key) => !properties.includes(key)),
    '',
    uses,
  )}\n`;
}

/** The object with only some of its properties. */
function narrowed(schema: SchemaNode, keep: (key: string) => boolean): SchemaNode {
  return {
    type: 'object',
    required: (schema.required ?? []).filter(keep),
    properties: Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([key]) => keep(key))),
  };
}

function render(file: string, declarations: Map<string, Declaration>): string {
  const here = [...declarations.values()].filter((declaration) => declaration.file === file);
  const imports = new Map<string, Set<string>>();
  for (const title of new Set(here.flatMap(({ uses }) => [...uses]))) {
    const declared = declarations.get(title)?.file;
    const module = title === 'Condition' || title === 'KubeObject' ? objectsModule : `./${declared}`;
    if (declared === file) continue;
    imports.set(module, (imports.get(module) ?? new Set()).add(title));
  }
  const lines = [...imports]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([module, titles]) => `import type { ${[...titles].sort().join(', ')} } from '${module}';\n`);
  const notice = '// Generated from crds/*.yaml by crds/generate.ts: change the YAML, then run `npm run generate`.\n';
  const body = here.map(({ text }) => text.replace(/= \n/, '=\n')).join('\n');
  return `${notice}${lines.join('')}\n${body}`;
}

function mustBeSameShape(title: string, known: SchemaNode, other: SchemaNode): void {
  if (shape(known) === shape(other)) return;
  throw new Error(
    `the title ${title} stands for two different shapes in crds/*.yaml: make them equal, or give one another title`,
  );
}

/** What a value may look like: without words, defaults and rules, which may differ from place to place. */
function shape(schema: SchemaNode): string {
  return JSON.stringify(schema, (key, value: unknown) => {
    if (['description', 'title', 'default', 'x-kubernetes-validations', 'x-kubernetes-map-type'].includes(key)) return undefined;
    return Array.isArray(value) && value.length === 0 ? undefined : value;
  });
}

function children(schema: SchemaNode): SchemaNode[] {
  const items = [schema.items, schema.additionalProperties].filter((child) => child !== undefined);
  return [...Object.values(schema.properties ?? {}), ...items];
}

/** ModelDeployment → model-deployment.ts */
function fileOf(kind: string): string {
  return `${kind.replace(/(?<=.)([A-Z])/g, '-$1').toLowerCase()}.ts`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of generateTypes(await loadCustomResourceDefinitions())) {
    await writeFile(new URL(file, import.meta.url), text);
  }
}
