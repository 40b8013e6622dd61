import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMaps } from '../../../kube/api/builtins.ts';
import { callApi } from '../../support/api-call.ts';
import { startTestServer, type TestServer } from '../../support/standalone.ts';

const signal = AbortSignal.timeout(60_000);
const path = '/api/v1/namespaces/default/configmaps';

describe('a request that makes no sense', () => {
  let test: TestServer;
  beforeAll(async () => {
    test = await startTestServer();
  });
  afterAll(() => test.close());

  const post = (body: string, contentType?: string) => {
    return callApi(test.server.admin, 'POST', path, contentType === undefined ? { body } : { body, contentType });
  };

  const nested = `{"metadata":{"name":"deep"},"data":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}`;
  const refused: [string, string, string | undefined, number][] = [
    ['half a document', '{"metadata":', undefined, 400],
    ['nothing', '', undefined, 400],
    ['a list', '[]', undefined, 400],
    ['a number', '7', undefined, 400],
    ['an HTML page', '<html></html>', undefined, 400],
    ['an HTML page and says so', '<html></html>', 'text/html', 415],
    ['YAML, which only an apply may be', 'a: b', 'application/yaml', 415],
    ['protobuf that is none', 'k8s', 'application/vnd.kubernetes.protobuf', 400],
    ['a protobuf envelope with rubbish', 'k8s\0\xff\xff\xff', 'application/vnd.kubernetes.protobuf', 400],
    ['four megabytes', `{"data":{"a":"${'x'.repeat(4_000_000)}"}}`, undefined, 413],
    ['two hundred thousand levels', nested, undefined, 400],
    ['metadata that is a list', '{"metadata":[]}', undefined, 400],
    ['labels that are numbers', '{"metadata":{"name":"x","labels":{"a":1}}}', undefined, 400],
    ['a name that is a path', '{"metadata":{"name":"../../x"}}', undefined, 422],
  ];
  it('is told of a hundred mistakes and of how many more there are, where it has two hundred thousand', async () => {
    const version = '/apis/jouleops.dev/v1alpha1/namespaces/default/modelversions';
    const spec = { family: 'f', version: '1.0.0', variants: [], classLabels: Array.from({ length: 200_000 }, () => 1) };
    const object = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelVersion', metadata: { name: 'wrong' }, spec };
    const { status, text } = await callApi(test.server.admin, 'POST', version, { body: object });
    expect(status, text.slice(0, 300)).toBe(422);
    const { message, details } = JSON.parse(text) as { message: string; details: { causes: unknown[] } };
    expect(details.causes).toHaveLength(100);
    expect(message).toMatch(/, and 1999\d\d more\]$/);
  });

  it('is kept from everybody’s time: much YAML is refused unread, as much JSON is read', async () => {
    const apply = (body: string) =>
      callApi(test.server.admin, 'PATCH', `${path}/much?fieldManager=test`, {
        body,
        contentType: 'application/apply-patch+yaml',
      });
    const large = 'x, '.repeat(300_000);
    const yaml = await apply(`apiVersion: v1\nkind: ConfigMap\nmetadata: { name: much }\nlist: [${large}]\n`);
    expect(yaml.status).toBe(413);
    expect(yaml.text).toContain('send it as JSON');
    const json = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'much' }, data: { large } };
    expect((await apply(JSON.stringify(json))).status).toBe(201);
  });

  it('is warned of as many unknown fields as a header holds, where it has two hundred thousand', async () => {
    await test.client.create(
      configMaps,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'warned', namespace: 'default' } },
      { signal },
    );
    const unknown = Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [`u${index}`, 1]));
    const options = { body: unknown, contentType: 'application/merge-patch+json' };
    const { status, headers, text } = await callApi(test.server.admin, 'PATCH', `${path}/warned?fieldValidation=Warn`, options);
    expect(status, text.slice(0, 300)).toBe(200);
    expect(headers['warning']).toContain('unknown field \\"u0\\"');
    expect(String(headers['warning']).length).toBeLessThan(5000);
  });

  it.each(refused)('is refused: %s', async (_what, body, contentType, status) => {
    const answer = await post(body, contentType);
    expect(answer.status, answer.text.slice(0, 300)).toBe(status);
    expect(answer.json()).toMatchObject({ kind: 'Status', status: 'Failure', code: status });
  });

  const paths: [string, string, number][] = [
    ['GET', '/api/v1/namespaces/default/configmaps/%E0%A4%A', 400],
    ['GET', '/api/v1/namespaces/default/configmaps/a/b/c', 404],
    ['GET', '/api/v1/namespaces/default/configmaps/a/status', 404],
    ['GET', '/apis/jouleops.dev/v1/modeldeployments', 404],
    ['GET', '/../../etc/passwd', 404],
    ['TRACE', '/api/v1/namespaces', 405],
    ['POST', '/version', 405],
  ];
  it.each(paths)('is refused: %s %s', async (method, target, status) => {
    expect((await callApi(test.server.admin, method, target)).status).toBe(status);
  });

  it('keeps keys that mean something to JavaScript as the data that they are', async () => {
    const answer = await post('{"metadata":{"name":"odd"},"data":{"__proto__":"p","constructor":"c","toString":"t"}}');
    expect(answer.status).toBe(201);
    const stored = await test.client.get(configMaps, { namespace: 'default', name: 'odd' }, { signal });
    expect(Object.entries(stored.data ?? {})).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['toString', 't'],
    ]);
  });

  it('does not harm others when a client leaves in the middle of a request', async () => {
    const { server } = test;
    await new Promise<void>((resolve, reject) => {
      const socket = connect({
        port: server.port,
        host: '127.0.0.1',
        ca: server.certificateAuthority,
        cert: server.admin.clientCertificate,
        key: server.admin.clientKey,
      });
      socket.on('error', reject);
      socket.on('secureConnect', () => {
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"metadata":`,
        );
        socket.destroy();
        resolve();
      });
    });
    expect((await post('{"metadata":{"name":"after"}}')).status).toBe(201);
  });
});
