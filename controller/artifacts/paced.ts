import { type Clock, systemClock } from '../../kube/runtime/clock.ts';
import { ArtifactError } from './artifact-error.ts';

const windowSeconds = 60;
const leastBytes = 2 ** 20;

/**
 * The bytes as they come, while they come fast enough. A server that sends one byte now and then is never silent for long enough to
 * be given up, and would hold whoever fetches from it, and all who wait behind that, for as long as it likes.
 * @throws ArtifactError SourceUnavailable after a minute with less than 1 MiB.
 */
export async function* paced(
  body: AsyncIterable<Uint8Array>,
  uri: string,
  clock: Pick<Clock, 'monotonic'> = systemClock,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let since = clock.monotonic();
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    const seconds = (clock.monotonic() - since) / 1000;
    if (seconds >= windowSeconds) {
      if (bytes < leastBytes)
        throw new ArtifactError(
          'SourceUnavailable',
          `${uri} sent ${bytes} bytes in ${Math.round(seconds)} s, less than 1 MiB a minute: publish the file where it is fetched faster`,
        );
      bytes = 0;
      since = clock.monotonic();
    }
    yield chunk;
  }
}
