import { describe, expect, it } from 'vitest';
import { applyPatch } from '../../../standalone/apply/apply.ts';
import { isUnchanged, updateManagedFields } from '../../../standalone/apply/update.ts';
import { isObject, type JsonObject, textAt } from '../../../standalone/schema/json.ts';
import { compiledFixture } from './pure-server.ts';

const kind = compiledFixture('Widget');
const morning = '2024-01-01T08:00:00Z';
const noon = '2024-01-01T12:00:00Z';

function widget(spec: JsonObject, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: kind.apiVersion, kind: 'Widget', metadata: { name: 'w', namespace: 'default', ...metadata }, spec };
}

function applied(live: JsonObject | undefined, spec: JsonObject, manager: string, now: string): JsonObject {
  const outcome = applyPatch(live, widget(spec), { manager, force: false, kind, now });
  if (outcome.kind !== 'applied') throw new Error(outcome.message);
  return outcome.object;
}

/** `manager/operation` → time. */
function times(object: JsonObject): Record<string, string> {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const entries = Array.isArray(metadata['managedFields']) ? metadata['managedFields'].filter(isObject) : [];
  return Object.fromEntries(
    entries.map((entry) => [`${textAt(entry, 'manager')}/${textAt(entry, 'operation')}`, textAt(entry, 'time')]),
  );
}

describe('times of managers', () => {
  it('move with a change', () => {
    const first = applied(undefined, { a: 'x' }, 'one', morning);
    expect(times(first)).toEqual({ 'one/Apply': morning });
    expect(times(applied(first, { a: 'y' }, 'one', noon))).toEqual({ 'one/Apply': noon });
  });

  it('stay when an apply changes nothing, which counts as unchanged', () => {
    const first = applied(undefined, { a: 'x' }, 'one', morning);
    const second = applied(first, { a: 'x' }, 'one', noon);
    expect(times(second)).toEqual({ 'one/Apply': morning });
    expect(isUnchanged(first, second)).toBe(true);
  });

  it('do not make an update that changes nothing a change', () => {
    const first = updateManagedFields(undefined, widget({ a: 'x' }), { manager: 'one', kind, now: morning });
    const second = updateManagedFields(first, widget({ a: 'x' }), { manager: 'two', kind, now: noon });
    expect(isUnchanged(first, second)).toBe(true);
  });

  it('a new co-owner is a change of the object as stored', () => {
    const first = applied(undefined, { a: 'x' }, 'one', morning);
    expect(isUnchanged(first, applied(first, { a: 'x' }, 'two', noon))).toBe(false);
  });
});

describe('more than ten updaters', () => {
  it('share one entry without losing a field, also within one second', () => {
    // The last one comes before ancient-changes by name.
    const managers = [...Array.from({ length: 11 }, (_, index) => `updater-${String(index).padStart(2, '0')}`), 'aaa'];
    let live: JsonObject | undefined;
    for (const manager of managers) {
      const values = isObject(live?.['spec']) && isObject(live['spec']['settings']) ? live['spec']['settings'] : {};
      const metadata = live && isObject(live['metadata']) ? live['metadata'] : {};
      const next = widget({ settings: { ...values, [manager]: 'x' } }, metadata);
      live = updateManagedFields(live, next, { manager, kind, now: noon });
    }
    expect(Object.keys(times(live ?? {}))).toHaveLength(10);
    const owned = JSON.stringify(live);
    for (const manager of managers) expect(owned).toContain(`"f:${manager}"`);
  });
});

describe('managedFields that cannot be trusted', () => {
  it('are replaced by those of the live object when they are malformed', () => {
    const live = applied(undefined, { a: 'x' }, 'one', morning);
    const spoilt = widget(
      { a: 'x' },
      { managedFields: [{ manager: 'evil', operation: 'Steal', apiVersion: 'v1', fieldsType: 'FieldsV1' }] },
    );
    expect(times(updateManagedFields(live, spoilt, { manager: 'two', kind, now: noon }))).toEqual({ 'one/Apply': morning });
  });

  it('are dropped when they belong to a version that is no longer served', () => {
    const entry = {
      manager: 'old',
      operation: 'Apply',
      apiVersion: 'fixtures.jouleops.dev/v1beta1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:a': {} } },
    };
    const live = widget({ a: 'x' }, { managedFields: [entry] });
    expect(times(applied(live, { a: 'y' }, 'one', noon))).toEqual({ 'one/Apply': noon });
  });

  it('refuse an apply when their field sets do not parse', () => {
    const entry = {
      manager: 'old',
      operation: 'Apply',
      apiVersion: kind.apiVersion,
      fieldsType: 'FieldsV1',
      fieldsV1: { 'k:{': {} },
    };
    const outcome = applyPatch(widget({ a: 'x' }, { managedFields: [entry] }), widget({}), {
      manager: 'one',
      force: false,
      kind,
      now: noon,
    });
    expect(outcome).toMatchObject({ kind: 'refused', status: 500 });
  });
});

describe('an apply of another kind', () => {
  it('is a bad request that names what was sent', () => {
    const other = { ...widget({}), kind: 'Gadget' };
    const outcome = applyPatch(undefined, other, { manager: 'one', force: false, kind, now: noon });
    expect(outcome).toEqual({
      kind: 'refused',
      status: 400,
      message: 'invalid object type: fixtures.jouleops.dev/v1, Kind=Gadget',
    });
  });
});

describe('conflict messages', () => {
  it('name the manager and the field', () => {
    const live = applied(undefined, { a: 'x', items: [{ name: 'k', value: 'v' }] }, 'one', morning);
    const outcome = applyPatch(live, widget({ items: [{ name: 'k', value: 'w' }] }), {
      manager: 'two',
      force: false,
      kind,
      now: noon,
    });
    expect(outcome).toMatchObject({
      kind: 'conflicts',
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.items[name="k"].value',
    });
  });
});
