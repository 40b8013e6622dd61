// Plays scenarios against an API server over plain HTTP, so that no client of ours stands between.
import { Agent, request } from 'undici';
import type { Connection } from '../../../kube/api/connection.ts';
import { isObject, type JsonObject, type JsonValue } from '../../../standalone/schema/json.ts';
import { eventually } from '../eventually.ts';
import { outcomeOf, wholeCauseText } from './recorded-object.ts';
import { groupVersions, type Outcome, type RecordedScenario, type Scenario, type ScenarioKind, type Step } from './scenario.ts';
import type { RecordedCase, ValidationCase } from './validation-cases.ts';
import { fixtureGroup } from './widgets.ts';

export interface Answer {
  code: number;
  body: JsonObject;
}

export class Recorder {
  readonly #connection: Connection;
  readonly #agent: Agent;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#agent = new Agent({ connect: { ca: connection.certificateAuthority ?? '' } });
  }

  async call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: JsonValue,
    contentType = 'application/json',
  ): Promise<Answer> {
    const token = await this.#connection.token?.();
    const answer = await request(`${this.#connection.server}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: {
        'content-type': contentType,
        'user-agent': 'recorder/1',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      // Text is sent as it is: it may be JSON that no value can say.
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const parsed: unknown = await answer.body.json();
    return { code: answer.statusCode, body: isObject(parsed) ? parsed : {} };
  }

  /** Installs a definition and waits until its objects can be listed. */
  async install(definition: { metadata: { name: string }; spec: { group: string; names: { plural: string } } }): Promise<void> {
    const crd = JSON.parse(
      JSON.stringify({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', ...definition }).replaceAll(
        '"served":true',
        '"served":true,"storage":true',
      ),
    ) as JsonObject;
    const created = await this.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
    if (created.code >= 300) throw new Error(`cannot install ${definition.metadata.name}: ${JSON.stringify(created.body)}`);
    await eventually(async () => {
      const { code } = await this.call(
        'GET',
        `/apis/${definition.spec.group}/v1/namespaces/default/${definition.spec.names.plural}`,
      );
      if (code !== 200) throw new Error(`${definition.metadata.name} is not served yet: ${code}`);
    }, 30);
  }

  async uninstall(definition: { metadata: { name: string } }): Promise<void> {
    await this.call('DELETE', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`);
  }

  async play(scenario: Scenario): Promise<RecordedScenario> {
    const name = 'object';
    const kind = scenario.kind ?? 'Widget';
    const groupVersion = groupVersions[kind];
    const root = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`;
    const collection = `${root}/namespaces/default/${kind.toLowerCase()}s`;
    const outcomes: Outcome[] = [];
    for (const step of scenario.steps) outcomes.push(await this.#step(collection, kind, name, step));
    await this.call('PATCH', `${collection}/${name}`, { metadata: { finalizers: null } }, 'application/merge-patch+json');
    await this.call('DELETE', `${collection}/${name}`);
    return { ...scenario, outcomes };
  }

  async #step(collection: string, kind: string, name: string, step: Step): Promise<Outcome> {
    const object = `${collection}/${name}${step.subresource ? `/${step.subresource}` : ''}`;
    const query = `?fieldManager=${step.manager}${step.force ? '&force=true' : ''}`;
    const answer = await this.#send(step, { collection, object, query, kind, name });
    return outcomeOf(answer.code, answer.body);
  }

  async #send(
    step: Step,
    at: { collection: string; object: string; query: string; kind: string; name: string },
  ): Promise<Answer> {
    switch (step.verb) {
      case 'create':
        return this.call('POST', `${at.collection}${at.query}`, identified(step.body, at.kind, at.name));
      case 'update': {
        const live = await this.call('GET', at.object);
        return this.call('PUT', `${at.object}${at.query}`, laidOver(live.body, step.body));
      }
      case 'apply':
        return this.call(
          'PATCH',
          `${at.object}${at.query}`,
          identified(step.body, at.kind, at.name),
          'application/apply-patch+yaml',
        );
      case 'merge':
        return this.call('PATCH', `${at.object}${at.query}`, step.body, 'application/merge-patch+json');
      case 'json':
        return this.call('PATCH', `${at.object}${at.query}`, step.body, 'application/json-patch+json');
    }
  }

  /** Creates or replaces a Gauge with strict field validation and keeps how that was refused. */
  async judge(tried: ValidationCase): Promise<RecordedCase> {
    const collection = `/apis/${fixtureGroup}/v1/namespaces/default/gauges`;
    const answer = tried.old ? await this.#replace(collection, tried.old, tried) : await this.#create(collection, tried);
    const [name = 'object'] = [nameOf(tried.object)].filter((found) => found !== '');
    await this.call('PATCH', `${collection}/${name}`, { metadata: { finalizers: null } }, 'application/merge-patch+json');
    await this.call('DELETE', `${collection}/${name}`);
    return { ...tried, ...refusalOf(answer) };
  }

  async #create(collection: string, tried: ValidationCase): Promise<Answer> {
    const path = `${collection}?fieldValidation=Strict`;
    return this.call('POST', path, tried.text ?? identified(tried.object, 'Gauge', 'object'));
  }

  async #replace(collection: string, old: JsonObject, tried: ValidationCase): Promise<Answer> {
    const created = await this.call('POST', collection, identified(old, 'Gauge', 'object'));
    if (created.code >= 300) throw new Error(`the old object of "${tried.name}" is refused: ${JSON.stringify(created.body)}`);
    const { status } = old;
    if (status !== undefined) await this.call('PATCH', `${collection}/object/status`, { status }, 'application/merge-patch+json');
    const live = await this.call('GET', `${collection}/object`);
    const path = `${collection}/object${tried.subresource ? `/${tried.subresource}` : ''}`;
    return this.call('PUT', `${path}?fieldValidation=Strict`, laidOver(live.body, tried.object));
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }
}

export function identified(body: JsonValue, kind: string, name: string): JsonObject {
  const object = isObject(body) ? body : {};
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  return {
    apiVersion: isScenarioKind(kind) ? groupVersions[kind] : `${fixtureGroup}/v1`,
    kind,
    ...object,
    metadata: { name, namespace: 'default', ...metadata },
  };
}

function isScenarioKind(kind: string): kind is ScenarioKind {
  return Object.hasOwn(groupVersions, kind);
}

/** The members of `change` replace those of the live object; those of metadata one by one. null deletes. */
export function laidOver(live: JsonObject, change: JsonValue): JsonObject {
  if (!isObject(change)) return live;
  const result: JsonObject = { ...live };
  for (const [name, value] of Object.entries(change)) {
    const before = live[name];
    if (name === 'metadata' && isObject(value) && isObject(before)) result[name] = laidOver(before, value);
    else if (value === null) delete result[name];
    else result[name] = value;
  }
  return result;
}

function nameOf(object: JsonObject): string {
  const { metadata } = object;
  const name = isObject(metadata) ? metadata['name'] : undefined;
  return typeof name === 'string' ? name : '';
}

function refusalOf({ code, body }: Answer): Pick<RecordedCase, 'code' | 'reason' | 'message' | 'causes'> {
  if (code < 300) return { code };
  const { reason, message } = body;
  const details = isObject(body['details']) ? body['details'] : {};
  const causes = Array.isArray(details['causes']) ? details['causes'] : [];
  return {
    code,
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(code === 400 && typeof message === 'string' ? { message } : {}),
    ...(causes.length === 0 ? {} : { causes: causes.map(wholeCauseText).sort() }),
  };
}
