// The model that a script names by address: from a host that is allowed, whole, and of a format that runs here.
import { createHash } from 'node:crypto';
import { request } from 'undici';
import type { BlobStore } from '../artifacts/blob-store.ts';
import { OldRequestError } from './old-request-error.ts';

const maximumModelBytes = 512 * 1024 * 1024;
const fetchTimeoutMilliseconds = 120_000;

/** @throws OldRequestError */
export function modelUrlOf(text: unknown, allowedHosts: readonly string[]): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new OldRequestError(400, 'model_url is missing, or no http(s) URL');
  if (!allowedHosts.includes(url.host))
    throw new OldRequestError(
      403,
      `this device fetches nothing from ${url.host}: start the agent with --deploy-host ${url.host}`,
    );
  return url;
}

/** Redirects are not followed: the host was allowed, not where it points. @throws OldRequestError */
export async function fetchModel(url: URL, store: BlobStore, signal: AbortSignal): Promise<{ digest: string; bytes: number }> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMilliseconds)]);
  const { statusCode, headers, body } = await request(url, { signal: limit }).catch((error: unknown) => {
    throw new OldRequestError(502, `${url.host} cannot be reached: ${(error as Error).message}`, { cause: error });
  });
  if (statusCode !== 200) {
    await body.dump();
    throw new OldRequestError(502, `${url.href} answered ${statusCode}; a redirect is not followed`);
  }
  // A body that is given up says so in an event, which without a listener would end the agent.
  body.on('error', () => undefined);
  try {
    return await keepModel(url, body, Number(headers['content-length'] ?? 0), store);
  } finally {
    body.destroy();
  }
}

async function keepModel(
  url: URL,
  body: AsyncIterable<Buffer>,
  announcedBytes: number,
  store: BlobStore,
): Promise<{ digest: string; bytes: number }> {
  using _ = await store.makeRoom(Math.min(maximumModelBytes, announcedBytes), url.href);
  const temporary = store.nextTemporary();
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await store.disk.open(temporary, 'w');
  try {
    for await (const chunk of whole(url, body)) {
      const offset = bytes;
      bytes += chunk.length;
      if (bytes > maximumModelBytes) throw new OldRequestError(413, `the model is larger than ${maximumModelBytes} bytes`);
      if (bytes === chunk.length) refuseOtherFormats(chunk);
      hash.update(chunk);
      await file.write(chunk, offset);
    }
    await file.sync();
  } catch (error) {
    await store.disk.remove(temporary);
    throw error;
  } finally {
    await file.close();
  }
  const digest = `sha256:${hash.digest('hex')}`;
  await store.disk.rename(temporary, store.partialPath(digest));
  await store.commit(digest);
  return { digest, bytes };
}

async function* whole(url: URL, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw new OldRequestError(502, `${url.host} did not send the whole model: ${(error as Error).message}; try again`, {
      cause: error,
    });
  }
}

/** What the old agent took for a model: pages of an error, and formats that this runtime does not have. */
function refuseOtherFormats(start: Buffer): void {
  const text = start.subarray(0, 64).toString('latin1');
  if (/^\s*[<{]/.test(text)) throw new OldRequestError(400, 'model_url gives text or HTML, not an ONNX model');
  if (text.slice(4, 8) === 'TFL3')
    throw new OldRequestError(400, 'this is a TFLite model; the runtime here takes ONNX: export it again');
  if (start[0] !== 0x08) throw new OldRequestError(400, 'this is no ONNX model: such a file begins with its format version');
}
