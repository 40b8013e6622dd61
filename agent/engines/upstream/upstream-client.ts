// The calls of the Open Inference Protocol that an upstream is asked, over HTTP.
import { Agent, request } from 'undici';
import type { TensorDescription } from '../../inference/datatypes.ts';
import { InferenceError } from '../../inference/errors.ts';

export interface UpstreamAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

export interface UpstreamMetadata {
  platform: string;
  versions: string[];
  inputs: TensorDescription[];
  outputs: TensorDescription[];
}

/** The upstream did not answer at all: it is gone, or restarting. */
export class UpstreamUnreachable extends Error {}

const answerLimitBytes = 256 * 1024 * 1024;
const callMilliseconds = 5000;

export class UpstreamClient {
  readonly #root: string;
  /** Its own connections: one slow upstream must not hold up another. */
  readonly #dispatcher = new Agent({ connections: 16, keepAliveTimeout: 30_000, headersTimeout: 0, bodyTimeout: 0 });

  constructor(url: string) {
    this.#root = url;
  }

  /** @throws UpstreamUnreachable; the signal's reason */
  async send(
    path: string,
    options: { method?: 'GET' | 'POST'; headers?: Record<string, string>; body?: string | Uint8Array; signal: AbortSignal },
  ): Promise<UpstreamAnswer> {
    const { method = 'GET', headers = {}, body, signal } = options;
    try {
      const answer = await request(`${this.#root}${path}`, {
        dispatcher: this.#dispatcher,
        method,
        signal,
        headers: { ...(method === 'POST' ? { 'content-type': 'application/json' } : {}), ...headers },
        ...(body === undefined ? {} : { body }),
      });
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > answerLimitBytes)
          throw new InferenceError('failed', `the upstream answers more than ${answerLimitBytes} bytes`);
        chunks.push(chunk);
      }
      return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof InferenceError) throw error;
      const { message, code } = error as NodeJS.ErrnoException;
      throw new UpstreamUnreachable(message === '' ? (code ?? 'no connection') : message, { cause: error });
    }
  }

  /** What it says of itself. @throws UpstreamUnreachable, Error */
  async describeServer(signal: AbortSignal): Promise<{ name: string; version: string; extensions: ReadonlySet<string> }> {
    const answer = await this.#ask('/v2', signal);
    const { name, version, extensions } = jsonOf(answer, 'GET /v2');
    return {
      name: typeof name === 'string' ? name : 'unnamed',
      version: typeof version === 'string' ? version : '',
      extensions: new Set(Array.isArray(extensions) ? extensions.filter((one) => typeof one === 'string') : []),
    };
  }

  /** @throws UpstreamUnreachable, Error */
  async describeModel(model: string, signal: AbortSignal): Promise<UpstreamMetadata> {
    const path = modelPath(model);
    const { platform, versions, inputs, outputs } = jsonOf(await this.#ask(path, signal), `GET ${path}`);
    return {
      platform: typeof platform === 'string' ? platform : '',
      versions: Array.isArray(versions) ? versions.filter((one) => typeof one === 'string') : [],
      inputs: (Array.isArray(inputs) ? inputs : []) as TensorDescription[],
      outputs: (Array.isArray(outputs) ? outputs : []) as TensorDescription[],
    };
  }

  /** @throws UpstreamUnreachable */
  async isReady(model: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#ask(`${modelPath(model)}/ready`, signal)).status === 200;
  }

  /** By the repository extension. @throws UpstreamUnreachable, Error with the upstream's own words */
  async change(model: string, what: 'load' | 'unload', signal: AbortSignal): Promise<void> {
    const path = `/v2/repository/models/${encodeURIComponent(model)}/${what}`;
    const answer = await this.send(path, { method: 'POST', body: '{}', signal });
    if (answer.status !== 200) throw new Error(`POST ${path} answered ${answer.status} ${excerptOf(answer)}`.trim());
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  #ask(path: string, signal: AbortSignal): Promise<UpstreamAnswer> {
    const limit = AbortSignal.timeout(callMilliseconds);
    return this.send(path, { signal: AbortSignal.any([signal, limit]) }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw limit.aborted ? new UpstreamUnreachable(`it did not answer within ${callMilliseconds / 1000} s`) : error;
    });
  }
}

export function modelPath(model: string, version?: string): string {
  return `/v2/models/${encodeURIComponent(model)}${version === undefined ? '' : `/versions/${encodeURIComponent(version)}`}`;
}

/** What the upstream says of a failure: its "error", or its own form of it. */
export function excerptOf({ body }: UpstreamAnswer): string {
  const text = body.toString('utf8', 0, 4000);
  try {
    const { error, detail } = JSON.parse(text) as { error?: unknown; detail?: unknown };
    if (typeof error === 'string') return error.slice(0, 500);
    if (detail !== undefined) return JSON.stringify(detail).slice(0, 500);
  } catch {
    // not JSON, or cut off: the text itself
  }
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 500);
}

function jsonOf(answer: UpstreamAnswer, asked: string): Record<string, unknown> {
  if (answer.status !== 200) throw new Error(`${asked} answered ${answer.status} ${excerptOf(answer)}`.trim());
  const value: unknown = JSON.parse(answer.body.toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new Error(`${asked} answered no JSON object`);
  return value as Record<string, unknown>;
}
