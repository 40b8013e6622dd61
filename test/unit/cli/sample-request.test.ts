import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSampleRequest } from '../../../cli/up/sample-request.ts';

describe('the sample request of a golden set', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-sample-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is its first sample', async () => {
    const golden = path.join(directory, 'golden.jsonl.gz');
    await writeFile(golden, gzipSync('{"inputs":[1],"label":0}\n{"inputs":[2]}\n'));
    expect(JSON.parse(await readFile(await writeSampleRequest(directory, golden), 'utf8'))).toEqual({ inputs: [1] });
  });

  // An event of a stream that nobody listens to would end `jouleops up`.
  it('is an error, and nothing worse, where the set is not at hand or is none', async () => {
    await expect(writeSampleRequest(directory, path.join(directory, 'gone'))).rejects.toThrow('ENOENT');
    const spoilt = path.join(directory, 'spoilt');
    await writeFile(spoilt, 'no gzip');
    await expect(writeSampleRequest(directory, spoilt)).rejects.toThrow('incorrect header');
  });
});
