import { groupOf } from '../case.ts';
import { expectThat } from '../deviation.ts';
import { objectIn, shown, succeeded } from '../rest-server.ts';
import type { Target } from '../target.ts';

const concurrentProbes = 32;

async function probe(target: Target, path: string): Promise<void> {
  succeeded(await target.rest.send(path));
}

/** The protocol's text names the field of the ready answer `live` in one place and `ready` in others. */
async function probeBody(target: Target, path: string, fields: readonly string[]): Promise<void> {
  const answer = succeeded(await target.rest.send(path));
  const body = objectIn(answer);
  expectThat(
    fields.some((field) => body[field] === true),
    () => `${shown(answer)}: no ${fields.map((field) => `"${field}": true`).join(' or ')}`,
  );
}

async function metadata(target: Target): Promise<Record<string, unknown>> {
  return objectIn(succeeded(await target.rest.send('/v2')));
}

export const serverCases = groupOf('Health and metadata of the server', 'server', [
  ['live', 'required', 'GET /v2/health/live answers 200', (target) => probe(target, '/v2/health/live')],
  ['live-body', 'required', 'it answers {"live": true}', (target) => probeBody(target, '/v2/health/live', ['live'])],
  ['ready', 'required', 'GET /v2/health/ready answers 200', (target) => probe(target, '/v2/health/ready')],
  [
    'ready-body',
    'required',
    'it answers {"ready": true} or {"live": true}',
    (target) => probeBody(target, '/v2/health/ready', ['ready', 'live']),
  ],
  [
    'probes-together',
    'required',
    `${concurrentProbes} probes at once are all answered`,
    async (target) => {
      const paths = Array.from({ length: concurrentProbes }, (_, index) =>
        index % 2 === 0 ? '/v2/health/live' : '/v2/health/ready',
      );
      for (const answer of await Promise.all(paths.map((path) => target.rest.send(path)))) succeeded(answer);
    },
  ],
  [
    'name',
    'required',
    'GET /v2 names the server',
    async (target) => {
      const { name } = await metadata(target);
      expectThat(typeof name === 'string' && name !== '', `its name is ${JSON.stringify(name)}`);
    },
  ],
  [
    'version',
    'required',
    'GET /v2 gives its version as text',
    async (target) => {
      const { version } = await metadata(target);
      expectThat(typeof version === 'string', `its version is ${JSON.stringify(version)}`);
    },
  ],
  [
    'extensions',
    'required',
    'GET /v2 lists its extensions',
    async (target) => {
      const { extensions } = await metadata(target);
      expectThat(
        Array.isArray(extensions) && extensions.every((name) => typeof name === 'string'),
        `its extensions are ${JSON.stringify(extensions)}`,
      );
    },
  ],
  [
    'content-type',
    'required',
    'metadata are application/json',
    async (target) => {
      const { headers } = await target.rest.send('/v2');
      expectThat((headers['content-type'] ?? '').startsWith('application/json'), `their type is ${headers['content-type']}`);
    },
  ],
  [
    'unknown-path',
    'advised',
    'a path that means nothing answers 404',
    async (target) => {
      const answer = await target.rest.send('/v2/there-is-nothing-here');
      expectThat(answer.status === 404, () => shown(answer));
    },
  ],
  [
    'wrong-method',
    'advised',
    'a method that a path does not take answers 405, with Allow',
    async (target) => {
      const answer = await target.rest.send('/v2/health/live', { method: 'DELETE' });
      expectThat(answer.status === 405, () => shown(answer));
      expectThat(
        (answer.headers['allow'] ?? '').includes('GET'),
        () => `${shown(answer)}, with Allow: ${answer.headers['allow']}`,
      );
    },
  ],
]);
