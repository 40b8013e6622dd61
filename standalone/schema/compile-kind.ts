// From what a kind is to what a server does with its objects.
import { defaultValue } from './defaulting.ts';
import { equalJson, isObject, type JsonObject, type JsonValue, property } from './json.ts';
import { findAll, parseJsonPath } from './json-path.ts';
import type { CompiledKind, KindDefinition, Subresource } from './kind.ts';
import { validateChangedMetadata, validateNewMetadata } from './metadata/metadata-validation.ts';
import { coerceMetadata, metadataOf, objectMetaSchema } from './metadata/object-meta.ts';
import { openapiOf } from './openapi.ts';
import { pruneValue } from './pruning.ts';
import { compileRules, type RuleTree, validateRules } from './rules/rules.ts';
import type { Cause, StructuralSchema } from './structural-schema.ts';
import { compileTable } from './table.ts';
import { invalid, noField } from './validation/field-error.ts';
import { validateListTypes } from './validation/list-types.ts';
import { validateValue } from './validation/value-validation.ts';

/** Throws when the definition's rules or JSON paths do not compile. */
export function compileKind(definition: KindDefinition): CompiledKind {
  const apiVersion = definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
  const schema: StructuralSchema = {
    ...definition.schema,
    type: 'object',
    properties: {
      ...definition.schema.properties,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: objectMetaSchema,
    },
  };
  const table = compileTable(definition.printerColumns);
  const selectable = new Map(definition.selectableFields.map((path) => [path.replace(/^\./, ''), parseJsonPath(path)]));
  const validation: Validation = { definition, apiVersion, rules: compileRules(definition.schema) };
  return {
    definition,
    apiVersion,
    schema,
    default: (object) => {
      const value = defaultValue(definition.schema, object);
      return isObject(value) ? withCoercedMetadata(value) : object;
    },
    prune: (object) => {
      const pruned = pruneValue(definition.schema, object);
      const { metadata } = object;
      if (metadata === undefined) return { ...pruned, malformed: undefined };
      const coerced = coerceMetadata(metadata);
      return {
        object: { ...pruned.object, metadata: coerced.metadata },
        unknown: [...coerced.unknown, ...pruned.unknown].sort(),
        malformed: coerced.malformed,
      };
    },
    validate: (object, old, subresource) => validate(validation, object, old, subresource),
    prepareForCreate: (object) => prepareForCreate(definition, object),
    prepareForUpdate: (object, old, subresource) => prepareForUpdate(definition, object, old, subresource),
    selectableField: (object, field) => selectField(selectable, object, field),
    tableColumns: table.columns,
    tableCells: (object, now) => table.cells(object, now),
    openapi: openapiOf(definition, schema),
  };
}

function withCoercedMetadata(object: JsonObject): JsonObject {
  const metadata = property(object, 'metadata');
  return metadata === undefined ? object : { ...object, metadata: coerceMetadata(metadata).metadata };
}

interface Validation {
  readonly definition: KindDefinition;
  readonly apiVersion: string;
  readonly rules: RuleTree | undefined;
}

/** Rules are not run over what is of the wrong type or too large: they could not be trusted, or bounded. */
const blocking = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

function validate(
  kind: Validation,
  object: JsonObject,
  old: JsonObject | undefined,
  subresource: Subresource | undefined,
): Cause[] {
  const identity = identityCauses(kind, object);
  if (identity.length > 0) return identity;
  const { definition, rules } = kind;
  const { schema } = definition;
  const causes = [
    ...metadataCauses(definition, object, old),
    ...schemaCauses(schema, object, old, subresource),
    ...listCauses(schema, object, old),
  ];
  if (rules && causes.some(({ reason }) => blocking.has(reason))) {
    const detail =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    causes.push(invalid(noField, null, detail));
  } else if (rules) causes.push(...validateRules(rules, object, old));
  return [...causes, ...(definition.validate?.(object, old) ?? [])];
}

function identityCauses({ definition, apiVersion }: Validation, object: JsonObject): Cause[] {
  const causes: Cause[] = [];
  if (object['kind'] !== definition.kind) causes.push(invalid('kind', object['kind'] ?? '', `must be ${definition.kind}`));
  if (object['apiVersion'] !== apiVersion)
    causes.push(invalid('apiVersion', object['apiVersion'] ?? '', `must be ${apiVersion}`));
  return causes;
}

function metadataCauses(definition: KindDefinition, object: JsonObject, old: JsonObject | undefined): Cause[] {
  if (old) return validateChangedMetadata(object, old);
  return validateNewMetadata(object, { namespaced: definition.namespaced, nameSyntax: definition.nameSyntax ?? 'subdomain' });
}

function schemaCauses(
  schema: StructuralSchema,
  object: JsonObject,
  old: JsonObject | undefined,
  subresource: Subresource | undefined,
): Cause[] {
  if (subresource === undefined) return validateValue(schema, object, '', old && { value: object, old, schema });
  const statusSchema = schema.properties?.['status'];
  const status = property(object, 'status');
  if (!statusSchema || status === undefined) return [];
  const before = old && property(old, 'status');
  return validateValue(
    statusSchema,
    status,
    'status',
    before === undefined ? undefined : { value: status, old: before, schema: statusSchema },
  );
}

/** Duplicates that were there before are nobody's fault now. */
function listCauses(schema: StructuralSchema, object: JsonObject, old: JsonObject | undefined): Cause[] {
  const causes = validateListTypes(schema, object);
  return causes.length > 0 && old && validateListTypes(schema, old).length > 0 ? [] : causes;
}

function prepareForCreate(definition: KindDefinition, object: JsonObject): JsonObject {
  const { status, ...rest } = object;
  const metadata = definition.generation ? { ...metadataOf(object), generation: 1 } : metadataOf(object);
  if (!definition.statusSubresource) return { ...rest, metadata, ...(status === undefined ? {} : { status }) };
  // Kubernetes fills in defaults once more when it reads what it stored.
  const filled = defaultValue(definition.schema, { ...rest, metadata });
  return isObject(filled) ? filled : { ...rest, metadata };
}

function prepareForUpdate(
  definition: KindDefinition,
  object: JsonObject,
  old: JsonObject,
  subresource: Subresource | undefined,
): JsonObject {
  if (subresource !== undefined) return statusUpdate(object, old);
  const { status, ...rest } = object;
  const kept = definition.statusSubresource ? property(old, 'status') : status;
  const next: JsonObject = { ...rest, ...(kept === undefined ? {} : { status: kept }) };
  const before = metadataOf(old)['generation'];
  const { generation: _, ...metadata } = metadataOf(object);
  if (!definition.generation)
    return { ...next, metadata: { ...metadata, ...(before === undefined ? {} : { generation: before }) } };
  const changed = !equalJson({ ...next, metadata: {} }, { ...old, metadata: {} });
  return { ...next, metadata: { ...metadata, generation: (typeof before === 'number' ? before : 0) + (changed ? 1 : 0) } };
}

/** Everything but status, and the record of who wrote it, stays. */
function statusUpdate(object: JsonObject, old: JsonObject): JsonObject {
  const { status: _, ...rest } = old;
  const { managedFields: _old, ...metadata } = metadataOf(old);
  const managedFields = metadataOf(object)['managedFields'];
  const status = property(object, 'status');
  return {
    ...rest,
    metadata: { ...metadata, ...(managedFields === undefined ? {} : { managedFields }) },
    ...(status === undefined ? {} : { status }),
  };
}

function selectField(
  selectable: ReadonlyMap<string, ReturnType<typeof parseJsonPath>>,
  object: JsonObject,
  field: string,
): string | undefined {
  if (field === 'metadata.name' || field === 'metadata.namespace')
    return textOf(metadataOf(object)[field.slice('metadata.'.length)]);
  const path = selectable.get(field);
  return path && textOf(findAll(path, object)[0]);
}

function textOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
