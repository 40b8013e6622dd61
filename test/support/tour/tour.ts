// One visit to one server: every call's answer is recorded in a form that two servers can be compared by.
import { Agent, type Dispatcher } from 'undici';
import type { Connection } from '../../../kube/api/connection.ts';
import type { Json } from './json.ts';
import { nameless, normalise, normaliseAnswer, type Observation } from './normalise.ts';

export interface TourServer {
  name: string;
  admin: Connection;
}

export interface CallOptions {
  query?: Record<string, string>;
  /** An object is sent as JSON, text as it is. */
  body?: unknown;
  contentType?: string;
  accept?: string;
  /** Who calls; the administrator otherwise. `nobody` sends no credentials. */
  as?: Connection | 'nobody';
  /** Whom the caller asks to act as. */
  actingAs?: string;
  /** Not part of the comparison: preparation, or a poll whose count depends on time. */
  unrecorded?: boolean;
}

export interface Answer {
  status: number;
  /** Parsed JSON, or the text. */
  body: Json;
  /** The value at a path such as `metadata.uid`, as text; empty when absent. */
  at(path: string): string;
}

export interface WatchedEvent {
  type: string;
  object: Json;
}

export class Tour {
  /** Made for this case alone; part of every name that must be unique in the cluster. */
  readonly namespace: string;
  readonly observations: Observation[] = [];
  readonly server: TourServer;
  readonly #agents = new Map<Connection | 'nobody', Agent>();

  constructor(server: TourServer, namespace: string) {
    this.server = server;
    this.namespace = namespace;
  }

  /** @throws Error when the status is another one than `expected`: a case that does not do what it says compares nothing. */
  async call(
    expected: number | readonly number[],
    method: Dispatcher.HttpMethod,
    path: string,
    options: CallOptions = {},
  ): Promise<Answer> {
    const response = await this.#send(method, path, options);
    const text = await response.body.text();
    const body = parse(text);
    if (![expected].flat().includes(response.statusCode)) {
      throw new Error(
        `${this.server.name}: ${method} ${path} answered ${response.statusCode} instead of ${[expected].flat().join(' or ')}: ${text.slice(0, 600)}`,
      );
    }
    if (!options.unrecorded) {
      const call = `${method} ${path}${formatQuery(options.query)}`;
      const warning = response.headers['warning'];
      const warnings = warning === undefined ? [] : [warning].flat();
      this.observations.push(normaliseAnswer({ call, status: response.statusCode, body, warnings }, this.namespace));
    }
    return { status: response.statusCode, body, at: (field) => textAt(body, field) };
  }

  /** Records a value that says something about the server, such as whether two versions are equal. */
  observe(what: string, value: unknown): void {
    this.observations.push({
      call: nameless(what, this.namespace),
      result: normalise(JSON.parse(JSON.stringify(value)) as Json, this.namespace),
    });
  }

  /** Reads events until `enough`, or until the server ends the stream; records them. */
  async watch(
    path: string,
    query: Record<string, string>,
    options: { enough?: (events: WatchedEvent[]) => boolean; accept?: string; opened?: () => Promise<void> } = {},
  ): Promise<WatchedEvent[]> {
    const events: WatchedEvent[] = [];
    const all = { watch: 'true', ...query };
    const response = await this.#send('GET', path, { query: all, ...(options.accept ? { accept: options.accept } : {}) });
    const opened = options.opened?.();
    try {
      if (response.statusCode !== 200) {
        const body = parse(await response.body.text());
        this.observations.push(
          normaliseAnswer(
            { call: `WATCH ${path}${formatQuery(query)}`, status: response.statusCode, body, warnings: [] },
            this.namespace,
          ),
        );
        return events;
      }
      let rest = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) events.push(JSON.parse(line) as WatchedEvent);
        if (options.enough?.(events)) break;
      }
    } finally {
      await opened;
      response.body.destroy();
    }
    this.observe(`WATCH ${path}${formatQuery(query)}`, events);
    return events;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()));
  }

  async #send(method: Dispatcher.HttpMethod, path: string, options: CallOptions): Promise<Dispatcher.ResponseData> {
    const { admin } = this.server;
    const who = options.as ?? admin;
    const token = who === 'nobody' ? undefined : await who.token?.();
    const body =
      options.body === undefined ? null : typeof options.body === 'string' ? options.body : JSON.stringify(options.body);
    return this.#agentOf(who).request({
      origin: admin.server,
      path: `${path}${formatQuery(options.query)}`,
      method,
      body,
      headers: {
        'user-agent': 'tour/1.0',
        accept: options.accept ?? 'application/json',
        ...(body === null ? {} : { 'content-type': options.contentType ?? 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(options.actingAs === undefined ? {} : { 'impersonate-user': options.actingAs }),
      },
      signal: AbortSignal.timeout(30_000),
    });
  }

  #agentOf(who: Connection | 'nobody'): Agent {
    const known = this.#agents.get(who);
    if (known) return known;
    const { certificateAuthority } = this.server.admin;
    const credentials = who === 'nobody' ? {} : { cert: who.clientCertificate, key: who.clientKey };
    const agent = new Agent({ connect: { ca: certificateAuthority, ...defined(credentials) } });
    this.#agents.set(who, agent);
    return agent;
  }
}

function defined(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function formatQuery(query: Record<string, string> | undefined): string {
  return query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

export function textAt(value: Json, path: string): string {
  let found: Json | undefined = value;
  for (const key of path.split('.')) {
    if (Array.isArray(found)) found = found[Number(key)];
    else found = typeof found === 'object' && found !== null ? found[key] : undefined;
  }
  if (found === undefined || found === null) return '';
  return typeof found === 'object' ? JSON.stringify(found) : String(found);
}
