import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AnalysisResult, AnalysisStore } from '../../../controller/model-version/analysis-store.ts';

const subject = { digest: `sha256:${'a'.repeat(64)}` };
const refused = (message: string): AnalysisResult => ({ kind: 'unsupported', reason: 'TooLarge', message });

describe('analysis store', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'jouleops-analyses-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('keeps the first of two readings of the same bytes, and tells both readers so, also after a restart', async () => {
    const store = await AnalysisStore.open(directory, 1);
    const kept = await Promise.all([store.put(subject, refused('first')), store.put(subject, refused('second'))]);
    expect(kept).toEqual([refused('first'), refused('first')]);
    expect(await store.put(subject, refused('third'))).toEqual(refused('first'));
    expect((await AnalysisStore.open(directory, 1)).get(subject)).toEqual(refused('first'));
    expect(await readdir(directory)).toHaveLength(1);
  });

  it('forgets the oldest of graphs that nobody names any more, and none that somebody does, whatever lies beside it', async () => {
    const digestAt = (at: number) => `sha256:${String(at).padStart(64, '0')}`;
    const named = { digest: digestAt(0), dimensions: [{ name: 'sequence', size: 8 }] };
    const retention = { referenced: () => new Set([named.digest]), maximum: 3 };
    const store = await AnalysisStore.open(directory, 1, retention);
    await store.put(named, refused('named'));
    for (let at = 1; at <= 6; at++) await store.put({ digest: digestAt(at) }, refused(`${at}`));
    const kept = (of: AnalysisStore) => [1, 2, 3, 4, 5, 6].filter((at) => of.get({ digest: digestAt(at) }));
    expect(kept(store)).toEqual([5, 6]);
    expect(store.get(named)).toEqual(refused('named'));
    expect(await readdir(directory)).toHaveLength(3);
    expect(kept(await AnalysisStore.open(directory, 1, retention))).toEqual([5, 6]);
  });
});
