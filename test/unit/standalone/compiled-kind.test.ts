import { describe, expect, it } from 'vitest';
import { compileKind } from '../../../standalone/schema/compile-kind.ts';
import { duplicateFields } from '../../../standalone/schema/duplicate-fields.ts';
import type { JsonObject } from '../../../standalone/schema/json.ts';
import { findAll, parseJsonPath } from '../../../standalone/schema/json-path.ts';
import type { KindDefinition } from '../../../standalone/schema/kind.ts';
import { formatAge } from '../../../standalone/schema/table.ts';
import { compiledFixture } from './pure-server.ts';

const widget = compiledFixture('Widget');

function object(spec: JsonObject, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: widget.apiVersion, kind: 'Widget', metadata: { name: 'w', namespace: 'default', ...metadata }, spec };
}

const definition: KindDefinition = {
  group: 'fixtures.jouleops.dev',
  version: 'v1',
  kind: 'Meter',
  plural: 'meters',
  singular: 'meter',
  shortNames: [],
  categories: [],
  namespaced: false,
  statusSubresource: true,
  generation: true,
  selectableFields: ['.spec.site'],
  printerColumns: [
    { name: 'Site', type: 'string', jsonPath: '.spec.site' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Watts', type: 'number', jsonPath: '.status.watts', priority: 1 },
    { name: 'Count', type: 'integer', jsonPath: '.status.count' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  schema: {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { site: { type: 'string' } } },
      status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
};

describe('pruning and defaulting', () => {
  it('drops unknown fields at any depth and says where they were', () => {
    const { object: pruned, unknown } = widget.prune(
      object({ a: 'x', foo: 1, nested: { x: 1, bar: {} }, items: [{ name: 'n', baz: [] }] }, { odd: 1 }),
    );
    expect(pruned).toEqual(object({ a: 'x', nested: { x: 1 }, items: [{ name: 'n' }] }));
    expect(unknown).toEqual(['metadata.odd', 'spec.foo', 'spec.items[0].baz', 'spec.nested.bar']);
  });

  it('keeps what a schema preserves, and prunes what it knows inside', () => {
    const { object: pruned } = widget.prune(object({ free: { a: { b: [null] } }, mixed: { any: 1, known: { x: 1, z: 2 } } }));
    expect(pruned['spec']).toEqual({ free: { a: { b: [null] } }, mixed: { any: 1, known: { x: 1 } } });
  });

  it('counts null as absent where null is not allowed', () => {
    const { object: pruned } = widget.prune(object({ a: null, maybe: null, mode: null }));
    expect(pruned['spec']).toEqual({ maybe: null, mode: null });
    expect(widget.default(pruned)['spec']).toEqual({ maybe: null, mode: 'Auto' });
  });

  it('fills defaults inside items, and leaves absent parents absent', () => {
    expect(widget.default(object({ items: [{ name: 'n' }] }))['spec']).toEqual({ items: [{ name: 'n', size: 1 }], mode: 'Auto' });
    expect(widget.default({ apiVersion: widget.apiVersion, kind: 'Widget' })).not.toHaveProperty('spec');
  });

  it('leaves its argument alone', () => {
    const sent = object({ items: [{ name: 'n' }], foo: 1 });
    const before = JSON.stringify(sent);
    widget.default(widget.prune(sent).object);
    expect(JSON.stringify(sent)).toBe(before);
  });

  it('keeps hostile keys as data', () => {
    const hostile: JsonObject = JSON.parse('{"free":{"__proto__":{"x":1},"constructor":"c"},"settings":{"toString":"t"}}');
    const { object: pruned, unknown } = widget.prune(object(hostile));
    expect(unknown).toEqual([]);
    expect(JSON.stringify(widget.default(pruned)['spec'])).toBe(
      '{"free":{"__proto__":{"x":1},"constructor":"c"},"settings":{"toString":"t"},"mode":"Auto"}',
    );
  });

  it('says why metadata cannot be read', () => {
    expect(widget.prune(object({}, { labels: { a: 1 } })).malformed).toMatch('ObjectMeta.labels of type string');
    expect(widget.prune(object({}, { creationTimestamp: 'never' })).malformed).toMatch('metadata.creationTimestamp');
  });
});

describe('annotations', () => {
  it('are limited to 256 KiB together', () => {
    const large = { a: 'x'.repeat(128 * 1024), b: 'x'.repeat(128 * 1024) };
    expect(widget.validate(object({}, { annotations: large }))).toEqual([
      { reason: 'FieldValueTooLong', field: 'metadata.annotations', message: 'Too long: may not be more than 262144 bytes' },
    ]);
  });
});

describe('what was stored before a rule existed', () => {
  const old = object({ n: 5, tags: ['a', 'a'] }, { resourceVersion: '1' });

  it('is forgiven while it does not change', () => {
    const next = object({ n: 5, tags: ['a', 'a'], a: 'x' }, { resourceVersion: '1' });
    expect(widget.validate(next, old)).toEqual([]);
    const wrongType = object({ a: 5 }, { resourceVersion: '1' });
    expect(widget.validate({ ...wrongType, spec: { a: 5, b: 'y' } }, wrongType)).toEqual([]);
  });

  it('is refused once it changes', () => {
    const before = object({ a: 5 }, { resourceVersion: '1' });
    expect(widget.validate(object({ a: 6 }, { resourceVersion: '1' }), before)).toMatchObject([
      { reason: 'FieldValueTypeInvalid', field: 'spec.a' },
    ]);
  });
});

describe('deletion', () => {
  it('accepts no new finalizers', () => {
    const deletionTimestamp = '2024-01-01T00:00:00Z';
    const old = object({}, { resourceVersion: '1', deletionTimestamp, finalizers: ['jouleops.dev/a'] });
    const next = object({}, { resourceVersion: '1', deletionTimestamp, finalizers: ['jouleops.dev/a', 'jouleops.dev/b'] });
    expect(widget.validate(next, old)).toMatchObject([{ reason: 'FieldValueForbidden', field: 'metadata.finalizers' }]);
  });
});

describe('a kind with columns', () => {
  const kind = compileKind(definition);
  const meter: JsonObject = {
    metadata: { name: 'm', creationTimestamp: '2024-01-01T00:00:00Z' },
    spec: { site: 'roof' },
    status: {
      watts: 2.5,
      count: 3,
      conditions: [
        { type: 'Other', status: 'False' },
        { type: 'Ready', status: 'True' },
      ],
    },
  };

  it('prints the name and one cell per column', () => {
    expect(kind.tableColumns.map(({ name }) => name)).toEqual(['Name', 'Site', 'Ready', 'Watts', 'Count', 'Age']);
    expect(kind.tableCells(meter, new Date('2024-01-01T01:30:00Z'))).toEqual(['m', 'roof', 'True', 2.5, 3, '90m']);
    expect(kind.tableCells({ metadata: { name: 'm' } }, new Date())).toEqual(['m', null, null, null, null, null]);
  });

  it('selects by declared fields only', () => {
    expect(kind.selectableField(meter, 'spec.site')).toBe('roof');
    expect(kind.selectableField(meter, 'metadata.name')).toBe('m');
    expect(kind.selectableField({}, 'spec.site')).toBe('');
    expect(kind.selectableField(meter, 'status.count')).toBeUndefined();
  });

  it('publishes its schema under a reversed name', () => {
    expect(kind.openapi.name).toBe('dev.jouleops.fixtures.v1.Meter');
    expect(kind.openapi.schema).toMatchObject({
      properties: {
        metadata: { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
        spec: { type: 'object' },
      },
      'x-kubernetes-group-version-kind': [{ group: 'fixtures.jouleops.dev', version: 'v1', kind: 'Meter' }],
    });
  });

  it('counts generations by spec alone, and lets status through its own door only', () => {
    const created = kind.prepareForCreate(meter);
    expect(created).not.toHaveProperty('status');
    const old: JsonObject = { ...meter, metadata: { name: 'm', generation: 4 } };
    const both = kind.prepareForUpdate({ ...meter, spec: { site: 'cellar' }, status: {} }, old);
    expect(both).toMatchObject({ metadata: { generation: 5 }, spec: { site: 'cellar' }, status: { count: 3 } });
    const status = kind.prepareForUpdate({ ...meter, spec: { site: 'cellar' }, status: { count: 9 } }, old, 'status');
    expect(status).toMatchObject({ metadata: { generation: 4 }, spec: { site: 'roof' }, status: { count: 9 } });
    expect(kind.prepareForUpdate({ ...meter, metadata: { name: 'm', labels: { a: 'b' } } }, old)).toMatchObject({
      metadata: { generation: 4 },
    });
  });

  it('does not compile with a rule that is not CEL, and names the rule', () => {
    const broken = { ...definition.schema, 'x-kubernetes-validations': [{ rule: 'self.spec.' }] };
    expect(() => compileKind({ ...definition, schema: broken })).toThrow(/self\.spec\./);
  });
});

describe('JSON paths', () => {
  const value = {
    a: [
      { n: 'x', v: 1 },
      { n: 'y', v: 2 },
    ],
    'b.c': { d: 'e' },
  };
  const cases: [string, unknown[]][] = [
    ['.a[0].v', [1]],
    ['.a[-1].v', [2]],
    ['.a[*].v', [1, 2]],
    ['.a[?(@.n=="y")].v', [2]],
    [".a[?(@.n!='y')].v", [1]],
    [".['b.c'].d", ['e']],
    ['.b\\.c.d', ['e']],
    ['.missing.deep', []],
  ];
  it.each(cases)('%s finds %j', (path, found) => {
    expect(findAll(parseJsonPath(path.replace(".['", "['")), value)).toEqual(found);
  });

  it('refuses what it does not know', () => {
    expect(() => parseJsonPath('.a[1:2]')).toThrow(/\[1:2\]/);
  });
});

describe('ages', () => {
  const cases: [number, string][] = [
    [-5, '<invalid>'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [150, '2m30s'],
    [3600, '60m'],
    [4 * 3600 + 300, '4h5m'],
    [30 * 3600, '30h'],
    [3 * 86400, '3d'],
    [3 * 86400 + 7200, '3d2h'],
    [400 * 86400, '400d'],
    [800 * 86400, '2y70d'],
    [4000 * 86400, '10y'],
  ];
  it.each(cases)('%d seconds are %s', (seconds, text) => {
    expect(formatAge(seconds)).toBe(text);
  });
});

describe('duplicate members of JSON', () => {
  const cases: [string, string[]][] = [
    ['{"a":1,"b":{"c":[1,2]}}', []],
    ['{"a":1,"a":2,"a":3}', ['a']],
    ['{"s":{"x":"\\"}","x":1},"l":[{"k":1},{"k":1,"k":2}]}', ['s.x', 'l[1].k']],
    ['{"a\\u0062":1,"ab":2}', ['ab']],
    [' [ { "a" : null , "a" : true } ] ', ['[0].a']],
    ['"text"', []],
  ];
  it.each(cases)('%s has %j', (text, found) => {
    expect(() => JSON.parse(text)).not.toThrow();
    expect(duplicateFields(text)).toEqual(found);
  });
});
