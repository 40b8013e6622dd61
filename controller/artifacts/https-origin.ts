// https://: allow-listed hosts, every redirect checked again, bounded in size and time.
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { Agent, request } from 'undici';
import { checkedLookup, isPrivateAddress, privateAddressError } from './address-policy.ts';
import { ArtifactError } from './artifact-error.ts';
import type { ArtifactOrigin, SourceRequest } from './source.ts';

export interface HttpsOriginOptions {
  /** Host names, `*.example.org` for every name below; empty refuses all. */
  allowedHosts: readonly string[];
  allowPrivateAddresses: boolean;
  /** PEM, beside the system's own authorities. */
  certificateAuthority?: string;
}

const maximumRedirects = 5;
const headersTimeoutMilliseconds = 30_000;
const bodyTimeoutMilliseconds = 60_000;

export function createHttpsOrigin(options: HttpsOriginOptions): ArtifactOrigin & { close(): Promise<void> } {
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
    open: (source) => follow(agent, options, source),
    close: () => agent.close(),
  };
}

async function follow(agent: Agent, options: HttpsOriginOptions, source: SourceRequest): Promise<AsyncIterable<Uint8Array>> {
  const first = parse(source.uri, source.uri);
  let url = first;
  for (let redirects = 0; redirects <= maximumRedirects; redirects++) {
    checkHost(url, source.uri, options);
    // Credentials are for the host that the object names, never for where it redirects to.
    const authorization = url.origin === first.origin ? source.authorization : undefined;
    const response = await send(agent, url, source, authorization);
    const location = response.headers['location'];
    if (response.statusCode >= 300 && response.statusCode < 400 && typeof location === 'string') {
      await response.body.dump();
      url = parse(location, source.uri, url);
      continue;
    }
    if (response.statusCode !== 200) {
      await response.body.dump();
      throw new ArtifactError(
        'SourceUnavailable',
        `${source.uri} answered ${response.statusCode}${url === first ? '' : ` at ${url.href}`}`,
      );
    }
    const length = Number(response.headers['content-length']);
    if (length > source.maximumBytes) {
      response.body.destroy();
      throw new ArtifactError('TooLarge', `${source.uri} has ${length} bytes, the limit is ${source.maximumBytes}`);
    }
    return named(response.body, source);
  }
  throw new ArtifactError('SourceUnavailable', `${source.uri} redirects more than ${maximumRedirects} times`);
}

async function send(agent: Agent, url: URL, source: SourceRequest, authorization: string | undefined) {
  try {
    const response = await request(url, {
      dispatcher: agent,
      signal: source.signal,
      headers: { accept: 'application/octet-stream', ...(authorization === undefined ? {} : { authorization }) },
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
    yield* body;
  } catch (error) {
    throw asArtifactError(error, source);
  }
}

function asArtifactError(error: unknown, source: SourceRequest): unknown {
  if (source.signal.aborted) return source.signal.reason;
  if (error instanceof ArtifactError) return error;
  return new ArtifactError('SourceUnavailable', `${source.uri}: ${error instanceof Error ? error.message : String(error)}`, {
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
  if (!options.allowedHosts.some((allowed) => hostMatches(allowed, url.hostname)))
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
