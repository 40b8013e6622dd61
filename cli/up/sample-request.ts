import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { writeWhole } from './endpoints.ts';

/** Writes the first sample of a golden set (gzip JSON lines) as an Open Inference Protocol request. Answers its path. */
export async function writeSampleRequest(dataDirectory: string, goldenSetFile: string): Promise<string> {
  const source = createReadStream(goldenSetFile);
  const lines = createInterface({ input: source.pipe(createGunzip()), crlfDelay: Number.POSITIVE_INFINITY });
  try {
    for await (const line of lines) {
      const { inputs } = JSON.parse(line) as { inputs: unknown };
      const file = join(dataDirectory, 'request.json');
      await writeWhole(file, `${JSON.stringify({ inputs })}\n`, 0o644);
      return file;
    }
  } finally {
    lines.close();
    source.destroy();
  }
  throw new Error(`the golden set ${goldenSetFile} is empty`);
}
