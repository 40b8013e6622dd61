// oci:// against a registry that asks for tokens of another service and keeps its blobs on another host.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttpsOrigin, type HttpsOrigin } from '../../../controller/artifacts/https-origin.ts';
import { createOciOrigin } from '../../../controller/artifacts/oci-origin.ts';
import { digestOf } from '../../../crds/digest.ts';
import { createTestAuthority } from '../../support/control-plane/certificates.ts';

const signal = AbortSignal.timeout(60_000);
const model = Buffer.from('bytes of a model');
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: { mediaType: 'application/vnd.cncf.model.config.v1+json', digest: digestOf('{}'), size: 2 },
  layers: [{ mediaType: 'application/vnd.cncf.model.weight.v1.raw', digest: digestOf(model), size: model.length }],
});
const credentials = `Basic ${Buffer.from('plant:secret').toString('base64')}`;

interface Seen {
  at: string;
  authorization: string | undefined;
}

describe('oci:// sources', () => {
  const servers: Server[] = [];
  /** Three origins: the registry, its token service, where its blobs lie. */
  const ports = { registry: 0, tokens: 0, blobs: 0 };
  let https: HttpsOrigin;
  let seen: Seen[];
  let tokenAnswer: (response: ServerResponse) => void;

  beforeAll(async () => {
    const authority = await createTestAuthority('jouleops-oci-test');
    const { certificatePem, keyPem } = await authority.issueServer(['localhost', '127.0.0.1']);
    const answers: Record<keyof typeof ports, (request: IncomingMessage, response: ServerResponse) => void> = {
      registry: (request, response) => {
        if (request.headers.authorization !== 'Bearer pull-token') {
          const challenge = `Bearer realm="https://localhost:${ports.tokens}/token",service="plant registry"`;
          return void response.writeHead(401, { 'www-authenticate': challenge }).end('{}');
        }
        if (request.url?.includes('/manifests/')) return void response.end(manifest);
        response.writeHead(307, { location: `https://localhost:${ports.blobs}/store/${digestOf(model)}` }).end();
      },
      tokens: (_, response) => tokenAnswer(response),
      blobs: (_, response) => void response.end(model),
    };
    for (const [name, answer] of Object.entries(answers) as [keyof typeof ports, (typeof answers)['registry']][]) {
      const server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
        seen.push({ at: `${name} ${decodeURIComponent(request.url ?? '')}`, authorization: request.headers.authorization });
        answer(request, response);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      ports[name] = (server.address() as AddressInfo).port;
      servers.push(server);
    }
    https = createHttpsOrigin({
      allowedHosts: ['localhost'],
      allowPrivateAddresses: true,
      certificateAuthority: authority.certificatePem,
    });
  });
  beforeEach(() => {
    seen = [];
    tokenAnswer = (response) => response.end(JSON.stringify({ token: 'pull-token' }));
  });
  afterAll(async () => {
    await https.close();
    for (const server of servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  async function read(authorization?: string): Promise<{ text: string; resolved: string | undefined }> {
    let resolved: string | undefined;
    const body = await createOciOrigin(https).open({
      uri: `oci://localhost:${ports.registry}/models/m:1`,
      digest: digestOf(model),
      maximumBytes: 100,
      signal,
      onResolved: (uri) => {
        resolved = uri;
      },
      ...(authorization === undefined ? {} : { authorization }),
    });
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    return { text: Buffer.concat(chunks).toString('utf8'), resolved };
  }

  it('exchange credentials for a token where the registry says, and give neither to the host of the blobs', async () => {
    const { text, resolved } = await read(credentials);
    expect(text).toBe('bytes of a model');
    expect(resolved).toBe(`oci://localhost:${ports.registry}/models/m@${digestOf(manifest)}`);
    expect(seen).toEqual([
      { at: 'registry /v2/models/m/manifests/1', authorization: undefined },
      { at: 'tokens /token?service=plant+registry&scope=repository:models/m:pull', authorization: credentials },
      { at: 'registry /v2/models/m/manifests/1', authorization: 'Bearer pull-token' },
      { at: `registry /v2/models/m/blobs/${digestOf(model)}`, authorization: 'Bearer pull-token' },
      { at: `blobs /store/${digestOf(model)}`, authorization: undefined },
    ]);
  });

  it('ask for a token without credentials too: a public repository gives one', async () => {
    expect((await read()).text).toBe('bytes of a model');
    expect(seen[1]).toMatchObject({ authorization: undefined });
  });

  it('use a token that is given as it is', async () => {
    expect((await read('Bearer pull-token')).text).toBe('bytes of a model');
    expect(seen.filter(({ at }) => at.startsWith('tokens'))).toEqual([]);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['refuses the credentials', (response) => response.writeHead(401).end()],
    ['gives no token', (response) => response.end('{}')],
    ['gives one that the registry refuses', (response) => response.end('{"access_token":"other"}')],
  ])('say what to check when the token service %s, and ask no more', async (_, answer) => {
    tokenAnswer = answer;
    await expect(read(credentials)).rejects.toMatchObject({
      reason: 'SourceUnavailable',
      message: expect.stringContaining('check the credentials and what they allow') as string,
    });
    expect(seen.length).toBeLessThanOrEqual(3);
  });
});
