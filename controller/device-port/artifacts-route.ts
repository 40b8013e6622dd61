// GET /artifacts/sha256/<hex>: verified bytes by digest, whole or a range of them.
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ArtifactStore } from '../artifacts/store.ts';

const route = /^\/artifacts\/sha256\/([0-9a-f]{64})$/;

export function artifactDigest(path: string): string | undefined {
  const hex = route.exec(path)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

export type ByteRange = { kind: 'whole' } | { kind: 'part'; first: number; last: number } | { kind: 'unsatisfiable' };

/** One range of RFC 9110; several ranges or another unit are answered with the whole, as the RFC allows. */
export function parseRange(header: string | undefined, size: number): ByteRange {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return { kind: 'whole' };
  if (match[1] === '') {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', first: size - length, last: size - 1 };
  }
  const first = Number(match[1]);
  const last = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return first >= size || last < first ? { kind: 'unsatisfiable' } : { kind: 'part', first, last };
}

export async function sendArtifact(
  store: ArtifactStore,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const size = store.size(digest);
  if (size === undefined) {
    const body = JSON.stringify({
      error: `${digest} is not in the artifact store yet`,
      next: 'look at the conditions of its ModelVersion',
    });
    response.writeHead(404, { 'content-type': 'application/json' }).end(body);
    return;
  }
  const etag = `"${digest}"`;
  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? parseRange(request.headers.range, size) : { kind: 'whole' as const };
  const common = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes', etag };
  if (range.kind === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'content-range': `bytes */${size}` }).end();
    return;
  }
  const part = range.kind === 'part' ? range : undefined;
  const length = part ? part.last - part.first + 1 : size;
  response.writeHead(part ? 206 : 200, {
    ...common,
    'content-length': length,
    ...(part ? { 'content-range': `bytes ${part.first}-${part.last}/${size}` } : {}),
  });
  await store.touch(digest);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await pipeline(createReadStream(store.path(digest), part ? { start: part.first, end: part.last } : {}), response);
}
