import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RememberedPorts } from '../../../cli/up/remembered-ports.ts';

describe('remembered ports', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-ports-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it.each(['', 'null', '[]', '{"api": 99999}', '{"api": "x"}', '{"api": -1}', '{"api": null}'])(
    'a damaged file costs new ports and nothing else: %s',
    async (text) => {
      await writeFile(path.join(directory, 'ports.json'), text);
      const ports = await RememberedPorts.open(directory);
      expect(await ports.choose('api', 0)).toBe(0);
      expect(await ports.choose('api', 7443)).toBe(7443);
    },
  );
});
