// Sequences of writes by several managers. Their outcomes are recorded from a real API server (scripts/record-api-server.ts).
import type { JsonObject, JsonValue } from '../../../standalone/schema/json.ts';
import type { Scenario, ScenarioKind, Step } from './scenario.ts';

const apply = (manager: string, spec: JsonObject, options: Partial<Step> = {}): Step => ({
  verb: 'apply',
  manager,
  body: { spec },
  ...options,
});
const force = { force: true };
const applyMeta = (manager: string, metadata: JsonObject, options: Partial<Step> = {}): Step => ({
  verb: 'apply',
  manager,
  body: { metadata },
  ...options,
});
const applyStatus = (manager: string, status: JsonObject, options: Partial<Step> = {}): Step => ({
  verb: 'apply',
  manager,
  subresource: 'status',
  body: { status },
  ...options,
});
const create = (manager: string, spec: JsonObject, rest: JsonObject = {}): Step => ({
  verb: 'create',
  manager,
  body: { spec, ...rest },
});
const update = (manager: string, body: JsonObject): Step => ({ verb: 'update', manager, body });
const merge = (manager: string, body: JsonObject): Step => ({ verb: 'merge', manager, body });
const json = (manager: string, body: JsonValue): Step => ({ verb: 'json', manager, body });
const mergeStatus = (manager: string, status: JsonValue): Step => ({
  verb: 'merge',
  manager,
  subresource: 'status',
  body: { status },
});

const ready = (extra: JsonObject = {}): JsonObject => ({ type: 'Ready', status: 'True', ...extra });

const scalars: Scenario[] = [
  {
    name: 'an applier owns what it applies and not the defaults',
    steps: [apply('one', { a: 'x', n: 1, flag: true, ratio: 0.5 })],
  },
  { name: 'applying the same again changes nothing', steps: [apply('one', { a: 'x' }), apply('one', { a: 'x' })] },
  { name: 'a creator owns the defaults', steps: [create('one', { a: 'x' })] },
  { name: 'two appliers own different fields', steps: [apply('one', { a: 'x' }), apply('two', { b: 'y' })] },
  { name: 'two appliers share an equal value', steps: [apply('one', { a: 'x' }), apply('two', { a: 'x' })] },
  { name: 'a different value is a conflict', steps: [apply('one', { a: 'x' }), apply('two', { a: 'y' })] },
  { name: 'force takes the field', steps: [apply('one', { a: 'x', b: 'k' }), apply('two', { a: 'y' }, force)] },
  {
    name: 'the loser of a forced field conflicts when it comes back',
    steps: [apply('one', { a: 'x', b: 'k' }), apply('two', { a: 'y' }, force), apply('one', { a: 'x', b: 'k' })],
  },
  { name: 'a manager that loses everything disappears', steps: [apply('one', { a: 'x' }), apply('two', { a: 'y' }, force)] },
  { name: 'a field no longer applied is removed', steps: [apply('one', { a: 'x', b: 'y' }), apply('one', { a: 'x' })] },
  {
    name: 'a shared field stays when one owner drops it',
    steps: [apply('one', { a: 'x', b: 'y' }), apply('two', { b: 'y' }), apply('one', { a: 'x' })],
  },
  {
    name: 'the last owner of a shared field removes it',
    steps: [apply('one', { b: 'y' }), apply('two', { b: 'y' }), apply('one', {}), apply('two', {})],
  },
  {
    name: 'applying an empty spec removes all that was owned',
    steps: [apply('one', { a: 'x', nested: { x: 1 } }), apply('one', {})],
  },
  {
    name: 'a changed value of a shared field conflicts with the other owner',
    steps: [apply('one', { a: 'x' }), apply('two', { a: 'x' }), apply('one', { a: 'y' })],
  },
  {
    name: 'conflicts with two managers name both',
    steps: [apply('one', { a: 'x' }), apply('two', { b: 'y' }), apply('three', { a: '1', b: '2' })],
  },
  {
    name: 'a defaulted field can be applied without a conflict',
    steps: [apply('one', { a: 'x' }), apply('two', { mode: 'Manual' })],
  },
  { name: 'a removed field gets its default back', steps: [apply('one', { mode: 'Manual' }), apply('one', {})] },
  {
    name: 'null in a nullable field is a value',
    steps: [apply('one', { maybe: null, a: 'x' }), apply('one', { maybe: 'm', a: 'x' })],
  },
  { name: 'null in a field that is not nullable', steps: [apply('one', { a: null, b: 'y' })] },
  {
    name: 'int-or-string changes its form',
    steps: [apply('one', { amount: 1 }), apply('one', { amount: '1Gi' }), apply('two', { amount: 1 })],
  },
  {
    name: 'a time is compared as text',
    steps: [apply('one', { at: '2024-01-01T00:00:00Z' }), apply('two', { at: '2024-01-01T00:00:00Z' })],
  },
  { name: 'an unknown field in an apply', steps: [apply('one', { nope: 'x' })] },
  { name: 'a wrong type in an apply', steps: [apply('one', { a: 5 })] },
  { name: 'a wrong container in an apply', steps: [apply('one', { nested: 'x' })] },
];

const maps: Scenario[] = [
  {
    name: 'members of a struct are owned one by one',
    steps: [apply('one', { nested: { x: 1 } }), apply('two', { nested: { y: 2, deep: { p: 'p' } } }), apply('one', {})],
  },
  {
    name: 'a deep member conflicts alone',
    steps: [apply('one', { nested: { x: 1, deep: { p: 'p' } } }), apply('two', { nested: { x: 1, deep: { p: 'q' } } })],
  },
  {
    name: 'an empty struct is owned itself',
    steps: [apply('one', { nested: {} }), apply('two', { nested: { x: 1 } }), apply('one', {})],
  },
  {
    name: 'an atomic struct is owned whole',
    steps: [apply('one', { point: { x: 1 } }), apply('two', { point: { y: 2 } }), apply('two', { point: { y: 2 } }, force)],
  },
  {
    name: 'keys of a map are owned one by one',
    steps: [
      apply('one', { settings: { k: 'v' } }),
      apply('two', { settings: { l: 'w' } }),
      apply('one', { settings: {} }),
      apply('two', {}),
    ],
  },
  {
    name: 'a key of a map conflicts',
    steps: [apply('one', { settings: { k: 'v', l: 'w' } }), apply('two', { settings: { k: 'z' } })],
  },
  {
    name: 'an atomic map is owned whole',
    steps: [apply('one', { sealedSettings: { k: 'v' } }), apply('two', { sealedSettings: { l: 'w' } }, force), apply('two', {})],
  },
  {
    name: 'a map of structs',
    steps: [
      apply('one', { limits: { cpu: { x: 1 } } }),
      apply('two', { limits: { cpu: { y: 2 }, gpu: { x: 1 } } }),
      apply('one', { limits: {} }),
      apply('two', { limits: { gpu: { x: 1 } } }),
    ],
  },
  {
    name: 'data without a schema merges by key',
    steps: [
      apply('one', { free: { a: { b: 1 }, l: [1, 2] } }),
      apply('two', { free: { a: { c: 2 } } }),
      apply('one', { free: { a: {} } }),
    ],
  },
  {
    name: 'a list without a schema is owned whole',
    steps: [apply('one', { free: { l: [{ a: 1 }] } }), apply('two', { free: { l: [{ a: 1 }, { b: 2 }] } })],
  },
  {
    name: 'known and unknown fields side by side',
    steps: [
      apply('one', { mixed: { known: { x: 1 }, other: { z: 1 } } }),
      apply('two', { mixed: { known: { y: 2 }, other: { w: 1 } } }),
      apply('one', {}),
    ],
  },
  {
    name: 'anything may change its form',
    steps: [
      apply('one', { anything: 5 }),
      apply('one', { anything: { a: 1 } }),
      apply('one', { anything: [1] }),
      apply('two', { anything: 'x' }, force),
    ],
  },
];

const lists: Scenario[] = [
  {
    name: 'members of a set are owned one by one',
    steps: [
      apply('one', { tags: ['a', 'b'] }),
      apply('two', { tags: ['b', 'c'] }),
      apply('one', { tags: ['a'] }),
      apply('one', {}),
    ],
  },
  { name: 'numbers in a set', steps: [apply('one', { numbers: [1, 2] }), apply('two', { numbers: [2, 3] }), apply('one', {})] },
  {
    name: 'a set keeps the live order where it can',
    steps: [apply('one', { tags: ['a', 'b', 'c'] }), apply('two', { tags: ['c', 'a'] }), apply('three', { tags: ['z', 'b'] })],
  },
  {
    name: 'a set takes the applied order',
    steps: [apply('one', { tags: ['a', 'b', 'c', 'd'] }), apply('one', { tags: ['d', 'b', 'x', 'a', 'c'] })],
  },
  { name: 'duplicates in an applied set are refused', steps: [apply('one', { tags: ['a', 'a'] })] },
  {
    name: 'an atomic list is owned whole',
    steps: [
      apply('one', { steps: ['a'] }),
      apply('two', { steps: ['a', 'b'] }),
      apply('two', { steps: ['a', 'b'] }, force),
      apply('two', {}),
    ],
  },
  {
    name: 'a list without a type is atomic',
    steps: [
      apply('one', { plainList: [{ x: 1 }] }),
      apply('two', { plainList: [{ x: 1 }] }),
      apply('two', { plainList: [{ x: 1, y: 2 }] }),
    ],
  },
  {
    name: 'items of a list map are found by key',
    steps: [
      apply('one', { items: [{ name: 'a', value: '1' }] }),
      apply('two', {
        items: [
          { name: 'a', other: 'o' },
          { name: 'b', value: '2' },
        ],
      }),
      apply('one', {}),
    ],
  },
  {
    name: 'an item with other owners stays when its creator leaves',
    steps: [
      apply('one', { items: [{ name: 'a', value: '1' }] }),
      apply('two', { items: [{ name: 'a', other: 'o' }] }),
      apply('one', { items: [] }),
      apply('two', { items: [] }),
    ],
  },
  {
    name: 'an item is removed with the last of its owners',
    steps: [
      apply('one', {
        items: [
          { name: 'a', value: '1' },
          { name: 'b', value: '2' },
        ],
      }),
      apply('one', { items: [{ name: 'b', value: '2' }] }),
    ],
  },
  {
    name: 'a field of an item conflicts',
    steps: [
      apply('one', { items: [{ name: 'a', value: '1' }] }),
      apply('two', { items: [{ name: 'a', value: '2' }] }),
      apply('two', { items: [{ name: 'a', value: '2' }] }, force),
    ],
  },
  {
    name: 'a new order of items is taken from the applier',
    steps: [
      apply('one', { items: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }),
      apply('two', { items: [{ name: 'c' }, { name: 'x' }, { name: 'a' }] }),
    ],
  },
  {
    name: 'lists in items merge too',
    steps: [
      apply('one', { items: [{ name: 'a', inner: [{ key: 'k', v: 1 }] }] }),
      apply('two', { items: [{ name: 'a', inner: [{ key: 'l', v: 2 }] }] }),
      apply('one', { items: [{ name: 'a' }] }),
    ],
  },
  {
    name: 'two keys, one with a default',
    steps: [
      apply('one', { ports: [{ port: 80, name: 'web' }] }),
      apply('two', { ports: [{ port: 80, protocol: 'UDP', name: 'quic' }] }),
      apply('three', { ports: [{ port: 80, protocol: 'TCP', name: 'other' }] }),
    ],
  },
  { name: 'an item without its key', steps: [apply('one', { items: [{ value: '1' }] })] },
  { name: 'duplicate items are refused', steps: [apply('one', { items: [{ name: 'a' }, { name: 'a' }] })] },
  {
    name: 'an empty list is nothing to own',
    steps: [apply('one', { tags: [], items: [], a: 'x' }), apply('two', { tags: ['t'] })],
  },
  {
    name: 'an emptied list takes a second apply to come back empty',
    steps: [
      apply('one', { items: [{ name: 'p' }] }),
      apply('one', { items: [], tags: ['p'] }),
      apply('one', { items: [], tags: ['p'] }),
      apply('one', { items: [], tags: ['p'] }),
    ],
  },
  {
    name: 'an apply that owns nothing is not tracked',
    steps: [apply('one', { tags: [] }), apply('one', { tags: [] }), apply('one', { tags: [] })],
  },
  { name: 'a creator may leave duplicates to validation', steps: [create('one', { tags: ['a', 'a'] })] },
];

const updates: Scenario[] = [
  {
    name: 'an update takes what it changes',
    steps: [apply('one', { a: 'x', b: 'y' }), update('two', { spec: { a: 'z', b: 'y', mode: 'Auto' } })],
  },
  { name: 'an update that changes nothing owns nothing', steps: [apply('one', { a: 'x' }), update('two', {})] },
  {
    name: 'an applier conflicts with an updater',
    steps: [apply('one', { a: 'x' }), merge('two', { spec: { a: 'z' } }), apply('one', { a: 'x' })],
  },
  {
    name: 'a merge patch removes a field from its owner',
    steps: [apply('one', { a: 'x', b: 'y' }), merge('two', { spec: { a: null } }), apply('one', { a: 'x', b: 'y' })],
  },
  {
    name: 'a JSON patch takes an item',
    steps: [
      apply('one', { items: [{ name: 'a', value: '1' }] }),
      json('two', [
        { op: 'replace', path: '/spec/items/0/value', value: '9' },
        { op: 'add', path: '/spec/items/-', value: { name: 'b' } },
      ]),
    ],
  },
  {
    name: 'a JSON patch removes an item',
    steps: [
      apply('one', { items: [{ name: 'a', value: '1' }, { name: 'b' }] }),
      json('two', [{ op: 'remove', path: '/spec/items/0' }]),
    ],
  },
  {
    name: 'a JSON patch whose test fails',
    steps: [
      apply('one', { a: 'x' }),
      json('two', [
        { op: 'test', path: '/spec/a', value: 'nope' },
        { op: 'remove', path: '/spec/a' },
      ]),
    ],
  },
  {
    name: 'an updater keeps what it owned before',
    steps: [create('one', { a: 'x' }), merge('one', { spec: { b: 'y' } }), merge('two', { spec: { a: 'z' } })],
  },
  {
    name: 'from update to apply: the same manager has two entries',
    steps: [
      create('one', { a: 'x', b: 'y' }),
      apply('one', { a: 'x' }),
      apply('one', { a: 'q' }),
      apply('one', { a: 'q' }, force),
    ],
  },
  {
    name: 'from update to apply: dropping removes only what was applied',
    steps: [create('one', { a: 'x', b: 'y' }), apply('one', { a: 'x' }), apply('one', {})],
  },
  {
    name: 'an updater owns a removed and added key',
    steps: [apply('one', { settings: { k: 'v', l: 'w' } }), merge('two', { spec: { settings: { k: null, m: 'n' } } })],
  },
  {
    name: 'an applied set that an update grew',
    steps: [
      apply('one', { tags: ['a'] }),
      merge('two', { spec: { tags: ['a', 'b'] } }),
      apply('one', {}),
      apply('two', { tags: ['b'] }),
    ],
  },
  {
    name: 'an atomic list that an update changed',
    steps: [apply('one', { steps: ['a'] }), merge('two', { spec: { steps: ['a', 'b'] } }), apply('one', { steps: ['a'] })],
  },
  {
    name: 'managedFields reset by an empty list',
    steps: [apply('one', { a: 'x' }), update('two', { metadata: { managedFields: [] } }), merge('two', { spec: { b: 'y' } })],
  },
  {
    name: 'managedFields reset by an empty entry, then applied',
    steps: [
      create('one', { a: 'x', b: 'y' }),
      merge('two', { metadata: { managedFields: [{}] } }),
      apply('three', { a: 'x' }),
      apply('three', { b: 'z' }),
    ],
  },
  {
    name: 'an update that does not send managedFields keeps them',
    steps: [apply('one', { a: 'x' }), update('two', { metadata: { managedFields: null }, spec: { a: 'x', b: 'y' } })],
  },
  {
    name: 'a value deleted by update and applied by nobody',
    steps: [
      apply('one', { nested: { x: 1, y: 2 } }),
      merge('two', { spec: { nested: { x: null } } }),
      merge('two', { spec: { nested: null } }),
    ],
  },
];

/** Of a kind that is nowhere: the garbage collector of a real cluster cannot find out that the owner is gone, and lets the object be. */
const ofAnUnknownKind = { apiVersion: 'absent.jouleops.dev/v1', kind: 'Absent' };

const metadata: Scenario[] = [
  {
    name: 'labels and annotations are owned by key',
    steps: [
      applyMeta('one', { labels: { a: '1' }, annotations: { x: 'y' } }),
      applyMeta('two', { labels: { b: '2' } }),
      applyMeta('one', {}),
    ],
  },
  { name: 'a label conflicts', steps: [applyMeta('one', { labels: { a: '1' } }), applyMeta('two', { labels: { a: '2' } })] },
  {
    name: 'finalizers are a set',
    steps: [
      applyMeta('one', { finalizers: ['jouleops.dev/one'] }),
      applyMeta('two', { finalizers: ['jouleops.dev/two'] }),
      applyMeta('one', {}),
      applyMeta('two', {}),
    ],
  },
  {
    name: 'owner references are found by uid',
    steps: [
      applyMeta('one', { ownerReferences: [{ ...ofAnUnknownKind, name: 'c', uid: 'u1' }] }),
      applyMeta('two', { ownerReferences: [{ ...ofAnUnknownKind, name: 'd', uid: 'u2' }] }),
      applyMeta('two', { ownerReferences: [{ ...ofAnUnknownKind, name: 'e', uid: 'u1' }] }),
      applyMeta('one', {}),
    ],
  },
  {
    name: 'a label by update',
    steps: [
      applyMeta('one', { labels: { a: '1' } }),
      merge('two', { metadata: { labels: { a: '2', b: '3' } } }),
      merge('two', { metadata: { labels: null } }),
    ],
  },
  { name: 'empty labels', steps: [applyMeta('one', { labels: {} }), applyMeta('two', { labels: { a: '1' } })] },
  { name: 'an unknown metadata field in an apply', steps: [applyMeta('one', { foo: 'x' })] },
  { name: 'managedFields in an apply', steps: [applyMeta('one', { managedFields: [{ manager: 'x', operation: 'Apply' }] })] },
  {
    name: 'kubectl upgrades from client-side to server-side apply',
    steps: [
      {
        verb: 'create',
        manager: 'kubectl-client-side-apply',
        body: {
          metadata: {
            annotations: {
              'kubectl.kubernetes.io/last-applied-configuration':
                '{"apiVersion":"fixtures.jouleops.dev/v1","kind":"Widget","metadata":{"name":"object","namespace":"default"},"spec":{"a":"x","b":"y"}}',
            },
          },
          spec: { a: 'x', b: 'y' },
        },
      },
      apply('kubectl', { a: 'z', b: 'y' }),
      apply('kubectl', { a: 'q' }),
    ],
  },
  {
    name: 'kubectl still conflicts where the annotation says nothing',
    steps: [
      {
        verb: 'create',
        manager: 'other',
        body: {
          metadata: {
            annotations: {
              'kubectl.kubernetes.io/last-applied-configuration':
                '{"apiVersion":"fixtures.jouleops.dev/v1","kind":"Widget","metadata":{"name":"object","namespace":"default"},"spec":{"a":"x"}}',
            },
          },
          spec: { a: 'x', b: 'y' },
        },
      },
      apply('kubectl', { a: 'z', b: 'w' }),
    ],
  },
];

const statuses: Scenario[] = [
  {
    name: 'status is written through its own door',
    steps: [apply('one', { a: 'x' }), applyStatus('agent', { phase: 'Up', counts: { x: 1 } })],
  },
  {
    name: 'status in an apply of the main resource is ignored',
    steps: [{ verb: 'apply', manager: 'one', body: { spec: { a: 'x' }, status: { phase: 'Up' } } }],
  },
  {
    name: 'spec in an apply of status is ignored',
    steps: [
      apply('one', { a: 'x' }),
      {
        verb: 'apply',
        manager: 'agent',
        subresource: 'status',
        body: { spec: { a: 'z' }, metadata: { labels: { l: '1' } }, status: { phase: 'Up' } },
      },
    ],
  },
  {
    name: 'conditions of two writers live side by side',
    steps: [
      apply('one', { a: 'x' }),
      applyStatus('agent', { conditions: [ready()] }),
      applyStatus('controller', { conditions: [{ type: 'Placed', status: 'True' }], phase: 'P' }),
      applyStatus('agent', { conditions: [ready({ status: 'False', reason: 'Down' })] }),
      applyStatus('controller', {}),
    ],
  },
  {
    name: 'a condition of another writer conflicts',
    steps: [
      apply('one', { a: 'x' }),
      applyStatus('agent', { conditions: [ready()] }),
      applyStatus('controller', { conditions: [ready({ status: 'False' })] }),
      applyStatus('controller', { conditions: [ready({ status: 'False' })] }, force),
    ],
  },
  {
    name: 'one manager has one entry per door',
    steps: [apply('one', { a: 'x' }), applyStatus('one', { phase: 'Up' }), apply('one', { a: 'x' }), apply('one', { b: 'y' })],
  },
  {
    name: 'status by merge patch',
    steps: [
      create('one', { a: 'x' }, { status: { phase: 'Lost' } }),
      mergeStatus('two', { phase: 'Up', conditions: [ready({ reason: 'R' })] }),
      applyStatus('three', { phase: 'Down' }),
      mergeStatus('two', null),
    ],
  },
  {
    name: 'status in an update of the main resource is ignored',
    steps: [
      create('one', { a: 'x' }),
      mergeStatus('two', { phase: 'Up' }),
      update('three', { spec: { a: 'y' }, status: { phase: 'Down' } }),
    ],
  },
  {
    name: 'spec in an update of status is ignored',
    steps: [
      create('one', { a: 'x' }),
      {
        verb: 'update',
        manager: 'two',
        subresource: 'status',
        body: { spec: { a: 'q' }, metadata: { labels: { l: '1' } }, status: { phase: 'Up' } },
      },
    ],
  },
  {
    name: 'without a status subresource, status is a field',
    kind: 'Gadget',
    steps: [
      { verb: 'apply', manager: 'one', body: { spec: { a: 'x' }, status: { phase: 'Up' } } },
      { verb: 'apply', manager: 'two', body: { status: { phase: 'Down' } } },
      merge('three', { status: { phase: 'Down' } }),
    ],
  },
  {
    name: 'an empty apply to status',
    steps: [apply('one', { a: 'x' }), applyStatus('agent', { phase: 'Up' }), applyStatus('agent', {})],
  },
];

const many: Scenario[] = [
  {
    name: 'the eleventh updater joins the oldest',
    steps: [
      create('m00', { a: 'x' }),
      ...Array.from({ length: 11 }, (_, at) =>
        merge(`m${String(at + 1).padStart(2, '0')}`, { metadata: { labels: { [`l${at}`]: 'x' } } }),
      ),
    ],
  },
];

const on = (kind: ScenarioKind, scenarios: Scenario[]): Scenario[] => scenarios.map((scenario) => ({ ...scenario, kind }));
const applyBody = (manager: string, body: JsonObject, options: Partial<Step> = {}): Step => ({
  verb: 'apply',
  manager,
  body,
  ...options,
});

const configMaps = on('ConfigMap', [
  {
    name: 'data of a ConfigMap is owned by key',
    steps: [
      applyBody('one', { data: { a: '1' } }),
      applyBody('two', { data: { b: '2' } }),
      applyBody('two', { data: { a: '2' } }),
      applyBody('one', {}),
      merge('three', { data: { b: '3' } }),
    ],
  },
  {
    name: 'a created ConfigMap is updated',
    steps: [{ verb: 'create', manager: 'one', body: { data: { a: '1' } } }, update('two', { data: { a: '2', c: '3' } })],
  },
  {
    name: 'the last key of a ConfigMap leaves',
    steps: [applyBody('one', { data: { a: '1' } }), applyBody('one', { data: {} }), applyBody('one', {})],
  },
  {
    name: 'a key of a ConfigMap that may not be',
    steps: [applyBody('one', { data: { 'a/b': '1' } }), applyBody('one', { data: { a: 5 } })],
  },
]);

const secrets = on('Secret', [
  {
    name: 'a Secret is applied',
    steps: [
      applyBody('one', { data: { a: 'MQ==' } }),
      applyBody('two', { data: { b: 'Mg==' } }),
      applyBody('two', { type: 'Other' }, force),
    ],
  },
  { name: 'a Secret that is not base64', steps: [{ verb: 'create', manager: 'one', body: { data: { 'a b': 'MQ==' } } }] },
]);

const leases = on('Lease', [
  {
    name: 'a Lease is created and renewed',
    steps: [
      {
        verb: 'create',
        manager: 'one',
        body: { spec: { holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: '2024-01-01T00:00:00.000000Z' } },
      },
      update('one', { spec: { holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: '2024-01-01T00:00:10.000000Z' } }),
      applyBody('two', { spec: { holderIdentity: 'two' } }),
      applyBody('two', { spec: { holderIdentity: 'two' } }, force),
      merge('three', { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } }),
    ],
  },
]);

export const applyScenarios: Scenario[] = [
  ...scalars,
  ...maps,
  ...lists,
  ...updates,
  ...metadata,
  ...statuses,
  ...many,
  ...configMaps,
  ...secrets,
  ...leases,
];
