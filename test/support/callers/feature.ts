import type { Verb } from '../../../standalone/http/request-info.ts';
import type { RecordedCall } from './recorded-call.ts';

/** Who is asked for what it calls: our own client, controller and agents, and the clients of others. */
export type Caller = 'kube' | 'product' | 'kubectl' | 'python' | 'client-go' | 'client-node';

export interface Feature {
  name: string;
  /** Never empty: what nobody calls is not in the server. */
  callers: readonly Caller[];
  used: (call: RecordedCall) => boolean;
}

export function feature(name: string, callers: readonly Caller[], used: Feature['used']): Feature {
  return { name, callers, used };
}

/** A question about objects, of one of these verbs when they are given. */
export function asked(call: RecordedCall, ...verbs: readonly Verb[]): boolean {
  return call.info.kind === 'resource' && (verbs.length === 0 || verbs.includes(call.info.verb));
}

export function option(call: RecordedCall, name: string): string {
  return call.info.query.get(name) ?? '';
}

export function bodyType(call: RecordedCall): string {
  return call.contentType.split(';', 1)[0] ?? '';
}

/** A member of a JSON body, as text; '' when there is none. */
export function member(call: RecordedCall, ...path: readonly string[]): string {
  const found = path.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), parse(call.body));
  return found === undefined || found === null ? '' : JSON.stringify(found);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // YAML and protobuf have no members here.
  }
}
