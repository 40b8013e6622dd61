// https://: allow-listed hosts, every redirect checked again, bounded in size and time.
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { Agent, type Dispatcher, request } from 'undici';
import { toError } from '../../kube/api/api-error.ts';
import { checkedLookup, isPrivateAddress, privateAddressError } from './address-policy.ts';
import { ArtifactError } from './artifact-error.ts';
import { paced } from './paced.ts';
import { type ArtifactOrigin, type SourceRequest, tooLarge } from './source.ts';

export interface HttpsOriginOptions {
  /** Host names, `*.example.org` for every name below; empty refuses all. `any` is for a person's own command line. */
  allowedHosts: readonly string[] | 'any';
  allowPrivateAddresses: boolean;
  /** PEM, beside the system's own authorities. */
  certificateAuthority?: string;
}

const maximumRedirects = 5;
const headersTimeoutMilliseconds = 30_000;
const bodyTimeoutMilliseconds = 60_000;

export interface HttpsOrigin extends ArtifactOrigin {
  /** The answer behind all redirects, whatever its status; hosts are checked at each. */
  follow(source: SourceRequest, order: GuardedOrder): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

export function createHttpsOrigin(options: HttpsOriginOptions): HttpsOrigin {
  const agent = new Agent({
    connect: {
      lookup: checkedLookup(options.allowPrivateAddresses),
      ...(options.certificateAuthority === undefined
        ? {}
        : { ca: [...getCACertificates('default'), options.certificateAuthority] }),
    },
    headersTimeout: headersTimeoutMilliseconds,
    bodyTimeout: bodyTimeoutMilliseconds,
  });
  return {
    scheme: 'https',
    open: (source) => openFile(agent, options, source),
    follow: (source, order) => follow(agent, options, source, order),
    close: () => agent.close(),
  };
}

/** What is asked of a server, when it is more than a file. */
export interface GuardedOrder {
  url: string;
  method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  headers?: Record<string, string>;
  body?: Uint8Array;
  authorization?: string;
}

async function openFile(agent: Agent, options: HttpsOriginOptions, source: SourceRequest): Promise<AsyncIterable<Uint8Array>> {
  const response = await follow(agent, options, source, {
    url: source.uri,
    method: 'GET',
    headers: { accept: 'application/octet-stream' },
    ...(source.authorization === undefined ? {} : { authorization: source.authorization }),
  });
  return bodyOf(response, source);
}

/** The bytes of a successful answer, bounded by what it says of itself. @throws ArtifactError */
export async function bodyOf(response: Dispatcher.ResponseData, source: SourceRequest): Promise<AsyncIterable<Uint8Array>> {
  if (response.statusCode !== 200) {
    response.body.destroy();
    throw new ArtifactError('SourceUnavailable', `${source.uri} answered ${response.statusCode}`);
  }
  const length = Number(response.headers['content-length']);
  if (length > source.maximumBytes) {
    response.body.destroy();
    throw tooLarge(source, length);
  }
  return named(response.body, source);
}

async function follow(
  agent: Agent,
  options: HttpsOriginOptions,
  source: SourceRequest,
  order: GuardedOrder,
): Promise<Dispatcher.ResponseData> {
  const first = parse(order.url, source.uri);
  let url = first;
  for (let redirects = 0; redirects <= maximumRedirects; redirects++) {
    checkHost(url, source.uri, options);
    // Credentials are for the host that the object names, never for where it redirects to.
    const { authorization, ...rest } = order;
    const own = authorization !== undefined && url.origin === first.origin ? { authorization } : {};
    const response = await send(agent, url, source, { ...rest, ...own });
    const location = response.headers['location'];
    if (response.statusCode >= 300 && response.statusCode < 400 && typeof location === 'string') {
      response.body.destroy(); // reading it takes as long as its sender likes
      url = parse(location, source.uri, url);
      continue;
    }
    return response;
  }
  throw new ArtifactError('SourceUnavailable', `${source.uri} redirects more than ${maximumRedirects} times`);
}

async function send(agent: Agent, url: URL, source: SourceRequest, order: GuardedOrder): Promise<Dispatcher.ResponseData> {
  try {
    const response = await request(url, {
      dispatcher: agent,
      signal: source.signal,
      method: order.method,
      headers: { ...order.headers, ...(order.authorization === undefined ? {} : { authorization: order.authorization }) },
      ...(order.body === undefined ? {} : { body: order.body }),
    });
    // A body that is left unread ends with an error that nobody waits for; whoever reads it still gets it.
    response.body.on('error', () => undefined);
    return response;
  } catch (error) {
    throw asArtifactError(error, source);
  }
}

async function* named(body: AsyncIterable<Uint8Array>, source: SourceRequest): AsyncGenerator<Uint8Array> {
  try {
    yield* paced(body, source.uri);
  } catch (error) {
    throw asArtifactError(error, source);
  }
}

function asArtifactError(error: unknown, source: SourceRequest): unknown {
  if (source.signal.aborted) return source.signal.reason;
  if (error instanceof ArtifactError) return error;
  return new ArtifactError('SourceUnavailable', `${source.uri}: ${toError(error).message}`, {
    cause: error,
  });
}

function parse(text: string, uri: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch (error) {
    throw new ArtifactError('SourceNotAllowed', `${uri}: "${text.slice(0, 200)}" is not an address`, { cause: error });
  }
  if (url.protocol !== 'https:')
    throw new ArtifactError('SourceNotAllowed', `${uri} leads to ${url.protocol}//: only https is fetched`);
  if (url.username !== '' || url.password !== '')
    throw new ArtifactError(
      'SourceNotAllowed',
      `${url.host}: put credentials into a Secret and name it in secretName, not into the uri`,
    );
  return url;
}

function checkHost(url: URL, uri: string, options: HttpsOriginOptions): void {
  const { allowedHosts } = options;
  if (allowedHosts !== 'any' && !allowedHosts.some((allowed) => hostMatches(allowed, url.hostname)))
    throw new ArtifactError(
      'SourceNotAllowed',
      `${uri}: the host ${url.hostname} is not on the controller's list of source hosts; add it there`,
    );
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  // A literal address never goes through the lookup.
  if (isIP(literal) !== 0 && !options.allowPrivateAddresses && isPrivateAddress(literal))
    throw privateAddressError(url.hostname, literal);
}

function hostMatches(allowed: string, hostname: string): boolean {
  return allowed.startsWith('*.') ? hostname.endsWith(allowed.slice(1)) : allowed === hostname;
}
