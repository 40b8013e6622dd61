// How one schema reads as a TypeScript type, laid out as the formatter does it.
import type { SchemaNode } from './manifests.ts';

const width = 130;

function typeOf(schema: SchemaNode, indent: string, used: number, uses: Set<string>): string {
  if (schema.title !== undefined) {
    uses.add(schema.title);
    return schema.title;
  }
  if (schema['x-kubernetes-int-or-string']) return 'string | number';
  if (schema.enum) {
    const values = schema.enum.map((value) => `'${value}'`);
    return union(values, used, `${indent}  `);
  }
  const type = schema.type;
  if (type === undefined)
    throw new Error(`a schema without a type that TypeScript could have: ${JSON.stringify(schema).slice(0, 200)}`);
  switch (type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array': {
      const item = typeOf(schema.items ?? {}, indent, used + 3, uses);
      return item.includes(' | ') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
    }
    case 'object':
      if (schema.additionalProperties) return `Record<string, ${typeOf(schema.additionalProperties, indent, used, uses)}>`;
      return schema.properties ? objectType(schema, indent, uses) : 'Record<string, never>';
  }
}

/** An object type with a comment for each field; titles it names are added to `uses`. */
export function objectType(schema: SchemaNode, indent: string, uses: Set<string>): string {
  const inner = `${indent}  `;
  const fields = Object.entries(schema.properties ?? {}).map(([key, property]) => {
    const start = `${inner}${key}${schema.required?.includes(key) ? '' : '?'}:`;
    const type = typeOf(property, inner, start.length + 2, uses);
    return `${comment(property.description, inner)}${start}${type.startsWith('\n') ? '' : ' '}${type};\n`;
  });
  return `{\n${fields.join('')}${indent}}`;
}

/** `used` is what stands before it on the line: beyond the line width one member a line. */
export function union(members: string[], used: number, indent: string): string {
  const line = members.join(' | ');
  return used + line.length <= width ? line : `\n${members.map((member) => `${indent}| ${member}`).join('\n')}`;
}

export function comment(description: string | undefined, indent: string): string {
  return description === undefined ? '' : `${indent}/** ${description} */\n`;
}
