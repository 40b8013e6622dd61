// What any HTTP/1.1 client may do with a request.
import { gzipSync } from 'node:zlib';
import { groupOf } from '../case.ts';
import { NotApplicable } from '../deviation.ts';
import { inferPath, jsonRequest, type RestOptions, readInference, shown, succeeded } from '../rest-server.ts';
import { plainModel, type Target } from '../target.ts';
import { expectSame } from './plain-inference.ts';

const paddingBytes = 1024 * 1024;

async function sameAnswer(target: Target, options: (body: string) => RestOptions): Promise<void> {
  const model = plainModel(target);
  const path = inferPath(model.name);
  const body = jsonRequest(model.sample);
  const plain = readInference(await target.rest.send(path, { method: 'POST', body }));
  expectSame(readInference(await target.rest.send(path, { method: 'POST', ...options(body) })).outputs, plain.outputs);
}

async function* inPieces(body: string): AsyncIterable<Buffer> {
  const bytes = Buffer.from(body);
  const size = Math.ceil(bytes.length / 3);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const httpCases = groupOf('HTTP', 'http', [
  [
    'chunked',
    'required',
    'takes a body in chunks, without a length',
    (target) => sameAnswer(target, (body) => ({ body: inPieces(body) })),
  ],
  [
    'charset',
    'required',
    'takes application/json with a charset',
    (target) => sameAnswer(target, (body) => ({ body, headers: { 'content-type': 'application/json; charset=utf-8' } })),
  ],
  [
    'octet-stream',
    'advised',
    'takes JSON as application/octet-stream, as Triton’s client sends it',
    (target) => sameAnswer(target, (body) => ({ body, headers: { 'content-type': 'application/octet-stream' } })),
  ],
  [
    'large',
    'required',
    'takes a request of a mebibyte',
    (target) => sameAnswer(target, (body) => ({ body: `${body}${' '.repeat(paddingBytes)}` })),
  ],
  [
    'gzip',
    'advised',
    'takes a body packed with gzip',
    (target) => sameAnswer(target, (body) => ({ body: gzipSync(body), headers: { 'content-encoding': 'gzip' } })),
  ],
  [
    'bad-gzip',
    'advised',
    'refuses a body that is not packed as it says',
    async (target) => {
      const model = plainModel(target);
      const options = { method: 'POST', body: jsonRequest(model.sample), headers: { 'content-encoding': 'gzip' } } as const;
      const answer = await target.rest.send(inferPath(model.name), options);
      if (answer.status === 200) throw new NotApplicable('the server does not look at Content-Encoding');
      if (answer.status >= 500) succeeded({ ...answer, asked: shown(answer) });
    },
  ],
  [
    'query',
    'advised',
    'does not mind a query',
    async (target) => {
      succeeded(await target.rest.send('/v2/health/live?verbose=1'));
    },
  ],
  [
    'trailing-slash',
    'advised',
    'answers /v2/ as /v2',
    async (target) => {
      succeeded(await target.rest.send('/v2/'));
    },
  ],
]);
