import { describe, expect, it } from 'vitest';
import { RecentObjects } from '../../../standalone/storage/recent-objects.ts';

const object = (revision: number) => ({ metadata: { resourceVersion: String(revision) } });

function filled(count: number): RecentObjects {
  const recent = new RecentObjects();
  for (let revision = 1; revision <= count; revision++) recent.put(revision, object(revision));
  return recent;
}

describe('objects that were used recently', () => {
  it('are kept by their revision', () => {
    const recent = filled(10);
    expect(recent.get(7)).toEqual(object(7));
    expect(recent.get(11)).toBeUndefined();
  });

  it('are forgotten when many others came after them, so that memory stays bounded', () => {
    const recent = filled(10_000);
    expect(recent.get(1)).toBeUndefined();
    expect(recent.get(9_500)).toEqual(object(9_500));
    const kept = Array.from({ length: 10_000 }, (_, index) => recent.get(index + 1)).filter((found) => found !== undefined);
    expect(kept.length).toBeLessThanOrEqual(2000);
  });

  it('stay while they are used', () => {
    const recent = filled(1);
    for (let revision = 2; revision <= 10_000; revision++) {
      recent.put(revision, object(revision));
      expect(recent.get(1)).toBeDefined();
    }
  });

  it('go, wherever they are kept, when their revisions are taken back', () => {
    const recent = filled(1500);
    recent.dropAfter(900);
    for (const revision of [901, 1000, 1001, 1500]) expect(recent.get(revision)).toBeUndefined();
    for (const revision of [1, 900]) expect(recent.get(revision)).toEqual(object(revision));
  });
});
