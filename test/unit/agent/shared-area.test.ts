import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodePlace, type Place, readPlace, SharedArea } from '../../../agent/inference/shared-area.ts';

const kibi = 1024;
const mebi = 1024 * kibi;
const filled = (bytes: number, value: number) => new Uint8Array(bytes).fill(value);

const isFilled = (area: SharedArea, place: Place, bytes: number, value: number) =>
  Buffer.from(readPlace(area.fd, encodePlace(place))).equals(filled(bytes, value));

function openArea(): { area: SharedArea } & Disposable {
  const area = SharedArea.open();
  if (!area) throw new Error('no area, though /dev/shm is there');
  return { area, [Symbol.dispose]: () => area.close() };
}

describe.skipIf(!existsSync('/dev/shm'))('the area that an agent shares with the process of a model', () => {
  it('gives back what was put there, for two requests at a time', () => {
    using opened = openArea();
    const { area } = opened;
    const [one, two] = [area.put(filled(300 * kibi, 1)), area.put(filled(4 * mebi, 2))];
    if (!one || !two) throw new Error('both have a place');
    expect(isFilled(area, one, 300 * kibi, 1)).toBe(true);
    expect(isFilled(area, two, 4 * mebi, 2)).toBe(true);
    expect(area.put(filled(300 * kibi, 3))).toBeUndefined();
    area.release(one);
    const three = area.put(filled(100 * kibi, 3));
    if (!three) throw new Error('a place is free again');
    expect(isFilled(area, three, 100 * kibi, 3)).toBe(true);
    expect(isFilled(area, two, 4 * mebi, 2)).toBe(true);
  });

  it('leaves to the socket what fits there, and what is larger than a place', () => {
    using opened = openArea();
    expect(opened.area.put(filled(64 * kibi - 1, 1))).toBeUndefined();
    expect(opened.area.put(filled(4 * mebi + 1, 1))).toBeUndefined();
    expect(opened.area.put(filled(64 * kibi, 1))).toEqual({ offset: 0, bytes: 64 * kibi });
  });

  it('has no name that anybody could open, or that a killed agent would leave behind', () => {
    const before = readdirSync('/dev/shm').filter((name) => name.startsWith('jouleops-'));
    using opened = openArea();
    expect(opened.area.fd).toBeGreaterThan(0);
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith('jouleops-'))).toEqual(before);
  });

  it('says so when it ends before the request does', () => {
    using opened = openArea();
    const place = encodePlace({ offset: 0, bytes: 10 });
    expect(() => readPlace(opened.area.fd, place)).toThrow('the shared area ends after 0 of 10 bytes of a request');
  });
});
