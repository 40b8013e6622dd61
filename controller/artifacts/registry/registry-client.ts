// The distribution API of OCI registries, with its authentication: basic, or a bearer token from where the registry says.
import type { Dispatcher } from 'undici';
import { ArtifactError } from '../artifact-error.ts';
import { paced } from '../paced.ts';

/** Sends one request, hosts and redirects checked. `authorization` must go to no other origin. */
export type RegistryTransport = (request: {
  url: string;
  method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  headers?: Record<string, string>;
  body?: Uint8Array;
  authorization?: string;
}) => Promise<Dispatcher.ResponseData>;

const maximumTextBytes = 4 * 2 ** 20;

export class RegistryClient {
  readonly #base: string;
  readonly #name: string;
  readonly #transport: RegistryTransport;
  readonly #credentials: string | undefined;
  #authorization: string | undefined;

  /** @param credentials value of an Authorization header: `Basic …`, or `Bearer …` that is used as it is. */
  constructor(host: string, transport: RegistryTransport, credentials?: string) {
    this.#name = host;
    this.#base = `https://${host}`;
    this.#transport = transport;
    this.#credentials = credentials;
    if (credentials?.startsWith('Bearer ')) this.#authorization = credentials;
  }

  /** Asks again once with what the registry's challenge wants. */
  async send(
    method: 'GET' | 'HEAD' | 'POST' | 'PUT',
    path: string,
    options: { headers?: Record<string, string>; body?: Uint8Array; scope: string },
  ): Promise<Dispatcher.ResponseData> {
    const { headers, body, scope } = options;
    const at = new URL(path, this.#base);
    // Where a registry sends an upload to may be another host: that one gets no credentials of this one.
    const own = at.origin === new URL(this.#base).origin;
    const request = {
      url: at.href,
      method,
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    };
    const once = () =>
      this.#transport({
        ...request,
        ...(this.#authorization === undefined || !own ? {} : { authorization: this.#authorization }),
      });
    const first = await once();
    if (first.statusCode !== 401 || !own) return first;
    await first.body.dump();
    const used = this.#authorization;
    this.#authorization = await this.#answer(String(first.headers['www-authenticate'] ?? ''), scope);
    if (this.#authorization === used) throw this.#refused();
    const second = await once();
    if (second.statusCode !== 401 && second.statusCode !== 403) return second;
    await second.body.dump();
    throw this.#refused();
  }

  async #answer(challenge: string, scope: string): Promise<string | undefined> {
    if (/^basic\b/i.test(challenge)) return this.#credentials;
    if (!/^bearer\b/i.test(challenge)) throw this.#refused();
    const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1], match[2] ?? '']));
    const realm = fields.get('realm');
    if (realm === undefined) throw this.#refused();
    const url = new URL(realm);
    const service = fields.get('service');
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', fields.get('scope') ?? scope);
    const basic = this.#credentials?.startsWith('Basic ') ? { authorization: this.#credentials } : {};
    const response = await this.#transport({ url: url.href, method: 'GET', ...basic });
    if (response.statusCode !== 200) {
      await response.body.dump();
      throw this.#refused();
    }
    const answer = JSON.parse(await textOf(response)) as { token?: string; access_token?: string };
    const token = answer.token ?? answer.access_token;
    if (token === undefined) throw this.#refused();
    return `Bearer ${token}`;
  }

  #refused(): ArtifactError {
    const next =
      this.#credentials === undefined
        ? 'name credentials for it (a Secret in secretName; on the command line --username)'
        : 'check the credentials and what they allow';
    return new ArtifactError('SourceUnavailable', `the registry ${this.#name} refuses the request: ${next}`);
  }
}

/** A small answer as text. @throws ArtifactError TooLarge */
export async function textOf(response: Dispatcher.ResponseData): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of paced(response.body, 'the registry')) {
    bytes += chunk.length;
    if (bytes > maximumTextBytes)
      throw new ArtifactError(
        'TooLarge',
        `a registry answered more than ${maximumTextBytes} bytes where a manifest was asked for`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
