import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactOrigin, SourceRequest } from '../../../controller/artifacts/source.ts';
import { ArtifactStore } from '../../../controller/artifacts/store.ts';
import { PredictorLibrary } from '../../../controller/device-class/predictor-library.ts';
import { createDeviceClassReconciler, type DeviceClassDeps } from '../../../controller/device-class/reconcile.ts';
import type { DeviceClass } from '../../../crds/device-class.ts';
import { digestOf } from '../../../crds/digest.ts';
import { Store } from '../../../kube/cache/store.ts';

const shipped = new URL('../../../data/predictors/raspberry-pi-5-board-pytorch.json', import.meta.url);
const never = new AbortController().signal;

describe('the predictors in memory', () => {
  let directory: string;
  let library: PredictorLibrary;
  const asked: SourceRequest[] = [];
  /** A registry gives a file by its digest alone. */
  const registry: ArtifactOrigin = {
    scheme: 'oci',
    async open(request) {
      asked.push(request);
      return Readable.from([Buffer.from((await readFile(shipped, 'utf8')).replace('"version": 1', '"version": 7'))]);
    },
  };
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-library-'));
    const options = { directory: path.join(directory, 'artifacts'), quotaBytes: 2 ** 30, referenced: () => new Set<string>() };
    const artifacts = await ArtifactStore.open(options);
    library = new PredictorLibrary({ predictorDirectory: directory, artifacts, origins: [registry] });
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

  it('come from a registry too, which is asked for the file by its digest', async () => {
    const digest = digestOf((await readFile(shipped, 'utf8')).replace('"version": 1', '"version": 7'));
    const source = 'oci://registry.example.org/predictors/pi:1';
    const { loaded } = await library.load(
      { ...(await classOf('remote', '')), spec: { predictors: [{ name: 'pi', boundary: 'Board', digest, source }] } },
      never,
    );
    expect(loaded.map(({ failure }) => failure)).toEqual([undefined]);
    expect(asked).toMatchObject([{ uri: source, digest }]);
    expect(library.of('remote')).toHaveLength(1);
  });

  it('are none at a boundary that they do not predict at, also when another class has named the file rightly', async () => {
    const text = (await readFile(shipped, 'utf8')).replace('"version": 1', '"version": 9');
    const right = await classOf('right', text);
    expect(await library.load(right, never)).toMatchObject({ changed: true });
    const [reference] = right.spec.predictors ?? [];
    const predictors = reference ? [{ ...reference, boundary: 'CoreRail' as const }] : [];
    const wrong = await library.load({ ...right, metadata: { name: 'wrong' }, spec: { predictors } }, never);
    expect(wrong.loaded[0]?.failure).toBe('right predicts at Board, the class declares CoreRail: correct the boundary');
    expect(library.of('wrong')).toEqual([]);
  });

  it('go with their class, and those who borrowed them are asked again', async () => {
    await library.load(await classOf('base', await readFile(shipped, 'utf8')), never);
    let woken = 0;
    const deps: Partial<DeviceClassDeps> = {
      library,
      classes: new Store<DeviceClass>(),
      onPredictorsChanged: () => {
        woken += 1;
      },
    };
    const reconcile = createDeviceClassReconciler(deps as DeviceClassDeps);
    await reconcile('base', never);
    expect([library.of('base'), woken]).toEqual([[], 1]);
    await reconcile('base', never);
    expect(woken).toBe(1);
  });
});
