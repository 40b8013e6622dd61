import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { toError } from '../../kube/api/api-error.ts';
import type { Sent } from '../registry/decode.ts';
import { duplicateFields } from '../schema/duplicate-fields.ts';
import { isObject, type JsonObject, type JsonValue } from '../schema/json.ts';
import { badRequest, StatusError, unsupportedMediaType } from './status-error.ts';

/** As kube-apiserver: enough for any object that etcd would take. */
const maximumBytes = 3 * 1024 * 1024;

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Left open when it is too large, so that the answer still has a way to go.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > maximumBytes) {
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maximumBytes} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** The media type without its parameters, lower case; '' when there is none. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

const documentTypes = ['application/json', 'application/vnd.kubernetes.protobuf'];

/** An object as creates and updates send it. */
export async function parseDocument(type: string, body: Buffer): Promise<Sent> {
  if (type === 'application/vnd.kubernetes.protobuf') {
    // Loaded when first needed: only kubectl sends it.
    const { parseProtobuf } = await import('./protobuf.ts');
    return { sent: parseProtobuf(body), duplicates: [] };
  }
  if (type !== '' && !documentTypes.includes(type)) throw unsupportedMediaType(documentTypes);
  const text = body.toString();
  return { sent: expectObject(parseJson(text)), duplicates: duplicateFields(text) };
}

export function parseJson(text: string): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`the body of the request is not JSON: ${toError(error).message}`);
  }
  requireShallow(value);
  return value;
}

/** JSON is YAML, so this reads what apply sends either way; an alias bomb is refused by the parser's own limit. */
export function parseYaml(text: string): JsonValue {
  const value = parseAsJson(text) ?? parseAsYaml(text);
  requireShallow(value);
  return value;
}

/** Most clients send JSON under the YAML type, and JSON.parse is thirty times faster. Flow-style YAML begins with a brace too. */
function parseAsJson(text: string): JsonValue | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Parsing it takes a second for this much, in which nobody else is answered; a manifest that people write is far smaller. */
const maximumYamlCharacters = 256 * 1024;

function parseAsYaml(text: string): JsonValue {
  if (text.length > maximumYamlCharacters) {
    const message = `Request entity too large: limit is ${maximumYamlCharacters} characters of YAML; send it as JSON, which is YAML too`;
    throw new StatusError(413, 'RequestEntityTooLarge', message);
  }
  try {
    const value: JsonValue = parse(text, { schema: 'core', maxAliasCount: 100 });
    return value;
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: ${toError(error).message}`);
  }
}

/** What is nested deeper would exhaust the stack of those who walk it. */
const maximumDepth = 500;

function requireShallow(value: JsonValue): void {
  let level: object[] = isContainer(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maximumDepth) throw badRequest(`the body of the request is nested deeper than ${maximumDepth} levels`);
    level = level.flatMap((container) => Object.values(container).filter(isContainer));
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function expectObject(value: JsonValue): JsonObject {
  if (!isObject(value)) throw badRequest('the body of the request must be an object');
  return value;
}
