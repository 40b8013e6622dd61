import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArtifactStore } from '../../../controller/artifacts/store.ts';
import { PredictorLibrary } from '../../../controller/device-class/predictor-library.ts';
import type { DeviceClass } from '../../../crds/device-class.ts';
import { digestOf } from '../../../crds/digest.ts';

const shipped = new URL('../../../data/predictors/raspberry-pi-5-board-pytorch.json', import.meta.url);
const never = new AbortController().signal;

describe('the predictors in memory', () => {
  let directory: string;
  let library: PredictorLibrary;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-library-'));
    const options = { directory: path.join(directory, 'artifacts'), quotaBytes: 2 ** 30, referenced: () => new Set<string>() };
    const artifacts = await ArtifactStore.open(options);
    library = new PredictorLibrary({ predictorDirectory: directory, artifacts, origins: [] });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** A class whose predictor has these contents. */
  async function classOf(name: string, text: string): Promise<DeviceClass> {
    await writeFile(path.join(directory, `${name}.json`), text);
    const reference = { name, boundary: 'Board' as const, digest: digestOf(Buffer.from(text)), source: `shipped:${name}.json` };
    return { apiVersion: 'jouleops.dev/v1alpha1', kind: 'DeviceClass', metadata: { name }, spec: { predictors: [reference] } };
  }

  it('are those that some class names: another digest takes the place of the last, and a class that is gone takes its own along', async () => {
    const text = await readFile(shipped, 'utf8');
    await library.load(await classOf('first', text), never);
    const second = await classOf('second', text.replace('"version": 1', '"version": 2'));
    expect(await library.load(second, never)).toMatchObject({ changed: true });
    expect(library.size).toBe(2);
    for (const version of [3, 4, 5]) {
      const { changed } = await library.load(
        await classOf('second', text.replace('"version": 1', `"version": ${version}`)),
        never,
      );
      expect(changed).toBe(true);
    }
    expect(library.size).toBe(2);
    expect(library.of('second').map(({ version }) => version)).toEqual([5]);
    library.forget('second');
    expect(library.size).toBe(1);
  });

  it('are none of a file that is no predictor, and the class says why', async () => {
    const { loaded } = await library.load(await classOf('broken', '{"format":"jouleops-predictor/1","name":"broken"}'), never);
    expect(loaded[0]?.failure).toMatch(/predictor broken was trained with other descriptors: .*train the predictor again/);
    expect(library.of('broken')).toEqual([]);
  });
});
