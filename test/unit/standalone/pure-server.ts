// Plays scenarios on the pure functions alone: the order of calls is the one a server uses.
import { applyPatch } from '../../../standalone/apply/apply.ts';
import { JsonPatchError, jsonPatch } from '../../../standalone/apply/json-patch.ts';
import { mergePatch } from '../../../standalone/apply/merge-patch.ts';
import { updateManagedFields } from '../../../standalone/apply/update.ts';
import { leases } from '../../../standalone/registry/builtins/coordination.ts';
import { configMaps, secrets } from '../../../standalone/registry/builtins/core.ts';
import { compileKind } from '../../../standalone/schema/compile-kind.ts';
import { customKinds } from '../../../standalone/schema/custom-kind.ts';
import { isObject, type JsonObject, type JsonValue } from '../../../standalone/schema/json.ts';
import type { CompiledKind } from '../../../standalone/schema/kind.ts';
import { causeText, outcomeOf } from '../../support/api-server-fixtures/recorded-object.ts';
import { identified, laidOver } from '../../support/api-server-fixtures/recorder.ts';
import type { Outcome, Scenario, ScenarioKind, Step } from '../../support/api-server-fixtures/scenario.ts';
import { gadgets, widgets } from '../../support/api-server-fixtures/widgets.ts';

const definitions = [...[widgets, gadgets].flatMap(customKinds), configMaps, secrets, leases];
const kinds = new Map(definitions.map((definition) => [definition.kind, compileKind(definition)]));

export function compiledFixture(name: ScenarioKind): CompiledKind {
  const kind = kinds.get(name);
  if (!kind) throw new Error(`no fixture kind ${name}`);
  return kind;
}

/** Built-in kinds are Go types on a real server: null does not survive in them, and their structs are there from the start. */
const goTypes: Partial<Record<string, GoType>> = { ConfigMap: { zero: {} }, Secret: { zero: {} }, Lease: { zero: { spec: {} } } };

interface GoType {
  zero: JsonObject;
}

export function replay(scenario: Scenario): Outcome[] {
  const kind = compiledFixture(scenario.kind ?? 'Widget');
  const server = new PureServer(kind, goTypes[kind.definition.kind]);
  return scenario.steps.map((step) => server.perform(step));
}

class Refusal extends Error {
  readonly outcome: Outcome;
  constructor(outcome: Outcome) {
    super(outcome.reason);
    this.outcome = outcome;
  }
}

/** One object, one kind, and time stands still: so do scenarios on a fast server, as times have seconds. */
export class PureServer {
  readonly #kind: CompiledKind;
  readonly #goType: GoType | undefined;
  #live: JsonObject | undefined;

  constructor(kind: CompiledKind, goType?: GoType) {
    this.#kind = kind;
    this.#goType = goType;
  }

  get live(): JsonObject | undefined {
    return this.#live;
  }

  perform(step: Step): Outcome {
    const created = this.#live === undefined;
    try {
      const object = this.#write(step);
      return outcomeOf(created ? 201 : 200, object);
    } catch (error) {
      if (error instanceof Refusal) return error.outcome;
      throw error;
    }
  }

  #write(step: Step): JsonObject {
    const writer = {
      manager: step.manager,
      kind: this.#kind,
      now: '2024-01-01T00:00:00Z',
      ...this.#goType,
      ...(step.subresource ? { subresource: step.subresource } : {}),
    };
    if (step.verb === 'apply') {
      const outcome = applyPatch(this.#live, this.#identified(step.body), { ...writer, force: step.force ?? false });
      if (outcome.kind === 'conflicts')
        throw new Refusal({ code: 409, reason: 'Conflict', causes: outcome.causes.map(causeText).sort() });
      if (outcome.kind === 'refused')
        throw new Refusal({ code: outcome.status, ...(outcome.status === 400 ? { reason: 'BadRequest' } : {}) });
      return this.#store(this.#goType ? this.#decoded(outcome.object) : outcome.object, step);
    }
    const next = this.#decoded(this.#changed(step));
    return this.#store(updateManagedFields(this.#live, next, writer), step);
  }

  #identified(body: JsonValue): JsonObject {
    return identified(body, this.#kind.definition.kind, 'object');
  }

  #changed(step: Step): JsonObject {
    const live = this.#live ?? {};
    switch (step.verb) {
      case 'update':
        return laidOver(live, step.body);
      case 'json':
        try {
          const patched = jsonPatch(live, step.body);
          return isObject(patched) ? patched : {};
        } catch (error) {
          if (error instanceof JsonPatchError) throw new Refusal({ code: error.status, reason: 'Invalid' });
          throw error;
        }
      case 'merge': {
        const patched = mergePatch(live, step.body);
        return isObject(patched) ? patched : {};
      }
      case 'create':
      case 'apply':
        return this.#identified(step.body);
    }
  }

  #decoded(object: JsonObject): JsonObject {
    const { object: pruned, malformed } = this.#kind.prune(object);
    if (malformed) throw new Refusal({ code: 400, reason: 'BadRequest' });
    return this.#kind.default(pruned);
  }

  #store(object: JsonObject, step: Step): JsonObject {
    const old = this.#live;
    const next = old ? this.#kind.prepareForUpdate(object, old, step.subresource) : this.#kind.prepareForCreate(object);
    const causes = this.#kind.validate(next, old, step.subresource);
    if (causes.length > 0) throw new Refusal({ code: 422, reason: 'Invalid', causes: causes.map(causeText).sort() });
    const metadata = isObject(next['metadata']) ? next['metadata'] : {};
    this.#live = {
      ...next,
      metadata: { ...metadata, uid: 'uid', resourceVersion: '1', creationTimestamp: '2024-01-01T00:00:00Z' },
    };
    return this.#live;
  }
}
