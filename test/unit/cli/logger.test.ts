import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../../cli/logger.ts';

describe('the level of a log', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is refused by name when there is none such', () => {
    vi.stubEnv('JOULEOPS_LOG', 'loud');
    expect(() => createLogger()).toThrow('JOULEOPS_LOG=loud');
  });
});

describe('a log in a file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-log-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('has a line of JSON for each message, and goes on where it ended', async () => {
    const file = path.join(directory, 'jouleops.log');
    createLogger({ part: 'a' }, file).info('first');
    createLogger({ part: 'b' }, file).warn('second');
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { part: 'a', msg: 'first' },
      { part: 'b', msg: 'second' },
    ]);
  });

  // A device on which every write finds the disk full.
  it.skipIf(!existsSync('/dev/full'))('loses lines on a full disk, and keeps nobody from working', async () => {
    const logger = createLogger({}, '/dev/full');
    for (let line = 0; line < 100; line += 1) logger.info('x'.repeat(1000));
    await new Promise((resolve) => setImmediate(resolve));
    expect(() => logger.info('still there')).not.toThrow();
  });
});
