// A server over HTTP, and its answers with all that a case looks at.
import { Agent, request } from 'undici';
import { Deviation } from './deviation.ts';
import { fromBinary, readHead, readJsonTensor, toBinary, type Value, type ValueTensor } from './tensors.ts';

export interface RestAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  /** What was asked, for messages. */
  asked: string;
}

export interface RestOptions {
  method?: 'GET' | 'POST' | 'DELETE';
  headers?: Record<string, string>;
  body?: string | Buffer | AsyncIterable<Buffer>;
}

export interface RestServer {
  send(path: string, options?: RestOptions): Promise<RestAnswer>;
  close(): Promise<void>;
}

const answerLimitBytes = 64 * 1024 * 1024;

export function connectRest(
  base: string,
  options: { timeoutMilliseconds: number; certificateAuthority?: string; token?: string },
  signal: AbortSignal,
): RestServer {
  const { certificateAuthority: ca, timeoutMilliseconds, token } = options;
  const dispatcher = new Agent({ ...(ca === undefined ? {} : { connect: { ca } }), keepAliveTimeout: 1000 });
  const root = base.replace(/\/+$/, '');
  return {
    async send(path, { method = 'GET', headers = {}, body } = {}) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)]);
      const asked = `${method} ${path}`;
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
      try {
        const answer = await request(`${root}${path}`, {
          dispatcher,
          method,
          signal: limit,
          headers: { ...authorization, ...(method === 'POST' ? { 'content-type': 'application/json' } : {}), ...headers },
          ...(body === undefined ? {} : { body: body as string }),
        });
        const chunks: Buffer[] = [];
        let bytes = 0;
        for await (const chunk of answer.body as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          if (bytes > answerLimitBytes) throw new Deviation(`${asked} answered more than ${answerLimitBytes} bytes`);
          chunks.push(chunk);
        }
        const plain = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as const);
        return { status: answer.statusCode, headers: Object.fromEntries(plain), body: Buffer.concat(chunks), asked };
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof Deviation) throw error;
        const why = limit.aborted ? `did not answer within ${timeoutMilliseconds} ms` : (error as Error).message;
        throw new Deviation(`${asked}: ${why}`);
      }
    },
    // All answers are read by now; what a server left open must not hold up the end.
    close: () => dispatcher.destroy(),
  };
}

/** The answer in a few words. */
export function shown({ asked, status, body }: RestAnswer): string {
  const text = body.toString('utf8', 0, 400).replaceAll(/\s+/g, ' ').trim();
  return `${asked} answered ${status}${text === '' ? ' with an empty body' : ` ${text.slice(0, 200)}${text.length > 200 ? '…' : ''}`}`;
}

/** The JSON object of an answer; whole numbers above 2^53 keep their digits, as bigint. @throws Deviation */
export function objectIn(answer: RestAnswer, bytes = answer.body.length): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(answer.body.toString('utf8', 0, bytes));
  } catch {
    throw new Deviation(`${shown(answer)}, which is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Deviation(`${shown(answer)}, which is no JSON object`);
  return value as Record<string, unknown>;
}

export function parseJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source ?? '';
    return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** @throws Deviation unless the answer is 200 */
export function succeeded(answer: RestAnswer): RestAnswer {
  if (answer.status !== 200) throw new Deviation(shown(answer));
  return answer;
}

export interface InferAnswer {
  answer: RestAnswer;
  json: Record<string, unknown>;
  outputs: ValueTensor[];
  /** Names of the outputs that came as binary data. */
  binary: Set<string>;
}

/** Reads a successful inference, its binary data included. @throws Deviation where it is not as the protocol describes it. */
export function readInference(answer: RestAnswer): InferAnswer {
  succeeded(answer);
  const header = answer.headers['inference-header-content-length'];
  const length = header === undefined ? answer.body.length : Number(header);
  if (!Number.isSafeInteger(length) || length > answer.body.length)
    throw new Deviation(`Inference-Header-Content-Length is ${header}; the body has ${answer.body.length} bytes`);
  const json = objectIn(answer, length);
  const { outputs } = json;
  if (!Array.isArray(outputs)) throw new Deviation(`${shown(answer)}: it has no outputs list`);
  const binary = new Set<string>();
  let at = length;
  const tensors = outputs.map((output: unknown, index) => {
    const where = `outputs[${index}]`;
    const parameters = (output as { parameters?: { binary_data_size?: unknown } } | null)?.parameters;
    const size = parameters?.binary_data_size;
    if (size === undefined) return readJsonTensor(output, where);
    const head = readHead(output, where);
    binary.add(head.name);
    const data = answer.body.subarray(at, at + Number(size));
    at += Number(size);
    return fromBinary(head, data, where);
  });
  if (at !== answer.body.length) throw new Deviation(`${answer.body.length - at} bytes follow the outputs of the answer`);
  return { answer, json, outputs: tensors, binary };
}

const rawJson = Reflect.get(JSON, 'rawJSON') as (text: string) => unknown;

/** A JSON text of any value, bigints as digits. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) => (typeof entry === 'bigint' ? rawJson(entry.toString()) : entry));
}

export interface RequestParts {
  id?: string;
  parameters?: Record<string, unknown>;
  outputs?: unknown[];
}

export function jsonInput({ name, datatype, shape, values }: ValueTensor): Record<string, unknown> & { data: Value[] } {
  return { name, shape, datatype, data: values };
}

/** A request with all tensors in JSON. */
export function jsonRequest(tensors: readonly ValueTensor[], parts: RequestParts = {}): string {
  return toJson({ ...parts, inputs: tensors.map(jsonInput) });
}

/** A request with the tensors that `binary` names, or all, as binary data behind the JSON. */
export function binaryRequest(
  tensors: readonly ValueTensor[],
  parts: RequestParts = {},
  isBinary: (tensor: ValueTensor) => boolean = () => true,
): { headers: Record<string, string>; body: Buffer } {
  const blobs: Buffer[] = [];
  const inputs = tensors.map((tensor) => {
    if (!isBinary(tensor)) return jsonInput(tensor);
    const blob = toBinary(tensor);
    blobs.push(blob);
    const { name, datatype, shape } = tensor;
    return { name, shape, datatype, parameters: { binary_data_size: blob.length } };
  });
  const json = Buffer.from(toJson({ ...parts, inputs }));
  const headers = { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(json.length) };
  return { headers, body: Buffer.concat([json, ...blobs]) };
}

export function inferPath(model: string, version?: string): string {
  const at = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`;
  return `/v2/models/${encodeURIComponent(model)}${at}/infer`;
}

/** Requires that a request is refused as the protocol says: an error status, and `{"error": "…"}`. @throws Deviation */
export function refused(answer: RestAnswer, statuses: readonly number[] = []): void {
  if (answer.status < 400) throw new Deviation(`${shown(answer)}, although the request is wrong`);
  let message: unknown;
  try {
    message = objectIn(answer)['error'];
  } catch {
    message = undefined;
  }
  if (typeof message !== 'string' || message === '') throw new Deviation(`${shown(answer)}, without an "error" that says why`);
  if (answer.status >= 500) throw new Deviation(`${shown(answer)}: it calls the client's mistake its own`, 'advised');
  if (statuses.length > 0 && !statuses.includes(answer.status))
    throw new Deviation(`${shown(answer)}, not ${statuses.join(' or ')}`, 'advised');
}
