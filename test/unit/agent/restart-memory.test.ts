import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { DayTotals } from '../../../agent/record/day-totals.ts';
import { LearnedFile, type LearnedRecord, type RevisionRecord } from '../../../agent/record/learned-record.ts';
import { ModelStatistics } from '../../../agent/serving/model-statistics.ts';
import { recallGolden, runtimeKey } from '../../../agent/serving/recall-golden.ts';
import type { Slot } from '../../../crds/model-instance.ts';

const silent = pino({ level: 'silent' });
const noon = Date.UTC(2026, 10, 21, 12);
const day = 86_400_000;

describe('counts of a model', () => {
  it('go on over a load, while windows count from zero', () => {
    const first = new ModelStatistics();
    for (let request = 1; request <= 3000; request++) first.recordSuccess(request, request);
    first.recordError();
    const second = new ModelStatistics(first.toRecord());
    expect(second.percentiles()).toEqual(first.percentiles());
    second.recordSuccess(1, 1);
    expect(second.totals()).toEqual({ inferences: 3001, errors: 1 });
    expect(second.inferences).toBe(1);
    expect(second.toRecord().latenciesMicroseconds.at(-1)).toBe(1);
    expect(second.toRecord().latenciesMicroseconds[0]).toBe(3000 - 2048 + 2);
  });
});

describe('a golden result from before', () => {
  const result = { metric: 'Accuracy', permille: 950, samples: 200, passed: true, time: 't' };
  const slot: Slot = {
    revision: 'r1',
    modelVersionName: 'm',
    modelVersion: '1',
    variant: 'fp32',
    digest: 'sha256:a',
    size: 1,
    goldenSet: { digest: 'sha256:g', metric: 'Accuracy', minimumPermille: 900 },
  };
  const before: RevisionRecord = {
    instanceUid: 'u',
    revision: 'r1',
    digest: 'sha256:a',
    loadMilliseconds: 1,
    statistics: { inferences: 0, errors: 0, latenciesMicroseconds: [] },
    golden: { result, digest: 'sha256:g', runtime: runtimeKey('onnxruntime 1', slot) },
  };
  const golden = { digest: 'sha256:g', metric: 'Accuracy' as const, minimumPermille: 900 };

  it('holds for the same bytes, set and runtime', () => expect(recallGolden(before, slot, 'onnxruntime 1')).toBe(result));

  it.each<[string, Slot, string | undefined]>([
    ['other bytes', { ...slot, digest: 'sha256:b' }, 'onnxruntime 1'],
    ['another set', { ...slot, goldenSet: { ...golden, digest: 'sha256:h' } }, 'onnxruntime 1'],
    ['a set that asks for more', { ...slot, goldenSet: { ...golden, minimumPermille: 951 } }, 'onnxruntime 1'],
    ['another score', { ...slot, goldenSet: { ...golden, metric: 'Agreement' } }, 'onnxruntime 1'],
    ['another runtime', slot, 'onnxruntime 2'],
    ['a runtime that is not known', slot, undefined],
    ['more threads', { ...slot, runtime: { threads: 2 } }, 'onnxruntime 1'],
  ])('does not hold for %s', (_, changed, runtime) => expect(recallGolden(before, changed, runtime)).toBeUndefined());
});

describe('energy per day', () => {
  it('is added up over a restart, and forgotten after eight days', () => {
    const before = new DayTotals([]);
    before.add('board', 5, noon);
    const after = new DayTotals(before.records());
    after.add('board', 2, noon);
    after.add('board', Number.NaN, noon);
    expect(after.on(noon)).toEqual([{ day: '2026-11-21', of: 'board', joules: 7 }]);
    for (let later = 1; later <= 8; later++) after.add('board', 1, noon + later * day);
    expect(after.on(noon)).toEqual([]);
    expect(after.records()).toHaveLength(8);
  });
});

describe('what was learned, on disk', () => {
  const record: LearnedRecord = {
    version: 1,
    baselines: [{ watts: 3, relativeSd: 0.01, source: 'board', time: noon }],
    revisions: [],
    windows: [],
    days: [],
  };

  it('comes back as it was, and a damaged file is as good as none', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-learned-'));
    try {
      await new LearnedFile(directory).save(record);
      expect(await new LearnedFile(directory).read(silent)).toEqual(record);
      for (const text of ['{"version":1', '{"version":2}', 'null', '{"version":1,"baselines":{}}']) {
        await writeFile(path.join(directory, 'learned.json'), text);
        expect((await new LearnedFile(directory).read(silent)).baselines).toEqual([]);
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
