import { describe, expect, it } from 'vitest';
import { planEviction } from '../../../agent/artifacts/eviction.ts';
import { parseModelPath } from '../../../agent/protocols/rest/model-path.ts';
import { isActivationHeld } from '../../../agent/serving/hold.ts';
import {
  parseCpuSeconds,
  parseMemory,
  parseNetwork,
  parsePressure,
  parseTemperature,
  parseThrottled,
} from '../../../agent/telemetry/parse.ts';

const blob = (name: string, bytes: number, lastUsed: number) => ({ digest: name, bytes, lastUsed });

describe('making room for an artifact', () => {
  const blobs = [blob('old', 40, 1), blob('older', 30, 0), blob('new', 20, 2)];

  it('evicts the least recently used first, and no more than needed', () => {
    expect(planEviction(blobs, new Set(), 100, 30)).toEqual({ kind: 'fits', evict: ['older'] });
  });

  it('never evicts what a slot refers to', () => {
    expect(planEviction(blobs, new Set(['older']), 100, 30)).toEqual({ kind: 'fits', evict: ['old'] });
    expect(planEviction(blobs, new Set(['older', 'old']), 100, 40)).toEqual({
      kind: 'full',
      evictableBytes: 20,
      pinnedBytes: 70,
    });
  });
});

describe('when models may change', () => {
  const nightly = { schedule: '0 2 * * *', durationMinutes: 90, timeZone: 'UTC' };
  const at = (time: string) => Date.parse(`2026-03-05T${time}:00Z`);

  it.each([
    ['without hold or windows, always', false, [], '12:00', false],
    ['never on hold', true, [], '02:30', true],
    ['not outside its windows', false, [nightly], '12:00', true],
    ['inside a window', false, [nightly], '02:30', false],
    ['not after its end', false, [nightly], '03:31', true],
  ])('%s', (_, hold, maintenanceWindows, time, held) => {
    expect(isActivationHeld({ hold, maintenanceWindows }, at(time))).toBe(held);
  });

  it('is not held for ever by a schedule that cannot be read', () => {
    expect(
      isActivationHeld({ hold: false, maintenanceWindows: [{ schedule: 'at night', durationMinutes: 60 }] }, at('12:00')),
    ).toBe(false);
  });
});

describe('paths of models', () => {
  it.each([
    ['', { kind: 'list' }],
    ['m', { kind: 'metadata', name: 'm' }],
    ['m/infer', { kind: 'infer', name: 'm' }],
    ['ns/m/infer', { kind: 'infer', name: 'ns/m' }],
    ['m/versions/2.0.0/ready', { kind: 'ready', name: 'm', version: '2.0.0' }],
    ['infer', { kind: 'metadata', name: 'infer' }],
    ['a/b/c/infer', undefined],
    ['%E0%A4%A', undefined],
  ])('%s', (path, parsed) => expect(parseModelPath(path)).toEqual(parsed));
});

describe('the texts of the kernel and the firmware', () => {
  it('leaves sensors out that are switched off', () => {
    expect([parseTemperature('48250\n'), parseTemperature('-256000'), parseTemperature('offline')]).toEqual([
      48.25,
      undefined,
      undefined,
    ]);
  });

  it('names why a Raspberry Pi is throttled now, not what happened since boot', () => {
    expect(parseThrottled('50005')).toEqual(['undervoltage', 'throttled']);
    expect(parseThrottled('throttled=0x50000')).toEqual([]);
  });

  it('counts the bytes of network cards, and none of what containers say to each other', () => {
    const line = (device: string, received: number, sent: number) => `${device}: ${received} 3 0 0 0 0 0 0 ${sent} 2 0 0 0 0 0 0`;
    const text = [
      'Inter-|   Receive',
      ' face |bytes packets',
      line('    lo', 9, 9),
      line('  eth0', 100, 7),
      line('veth1a2b', 5, 5),
    ];
    expect(parseNetwork(text.join('\n'))).toEqual([{ device: 'eth0', receivedBytes: 100, sentBytes: 7 }]);
    expect(parseNetwork('nothing')).toEqual([]);
  });

  it('reads how long something waited, and everything where the kernel says so', () => {
    const some = 'some avg10=0.00 avg60=0.12 avg300=0.05 total=2500000';
    expect(parsePressure(`${some}\n`)).toEqual({ waitingSeconds: 2.5 });
    expect(parsePressure(`${some}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n`)).toEqual({
      waitingSeconds: 2.5,
      stalledSeconds: 1,
    });
    expect(parsePressure('')).toBeUndefined();
  });

  it('reads processor time and memory', () => {
    expect(parseCpuSeconds('cpu  100 0 50 1000 10 0 5 0 0 0\ncpu0 1 2 3')).toMatchObject({ user: 1, system: 0.5, idle: 10 });
    expect(parseMemory('MemTotal:       8000 kB\nMemFree: 1 kB\nMemAvailable:   6000 kB\n')).toEqual({
      totalBytes: 8_192_000,
      availableBytes: 6_144_000,
    });
    expect(parseMemory('nothing')).toBeUndefined();
  });
});
