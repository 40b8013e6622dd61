import { describe, expect, it } from 'vitest';
import type { PowerSource } from '../../../agent/power/power-source.ts';
import { ExternalSources } from '../../../agent/power/sources/external.ts';
import { parsePush } from '../../../agent/power/sources/external-push.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('energy pushed by another program', () => {
  it.each<[Record<string, unknown>, number, string]>([
    [{ energy_mwh: 1 }, 3.6, 'energy_mwh'],
    [{ energy_wh: 0.5 }, 1800, 'energy_wh'],
    [{ energy_mj: 250 }, 0.25, 'energy_mj'],
    [{ energy_mah: 2, voltage_v: 5 }, 36, 'energy_mah*voltage_v'],
    [{ power_mw: 2500, duration_s: 4 }, 10, 'power_mw*duration_s'],
    [{ power_w: 2, latency_s: 0.5 }, 1, 'power_w*latency_s'],
  ])('reads %j', (body, joules, parsedFrom) => {
    expect(parsePush(body)).toEqual({ source: 'push', boundary: 'Board', joules: expect.closeTo(joules, 9), parsedFrom });
  });

  it.each<[unknown, RegExp]>([
    [[], /not a JSON object/],
    [{}, /no energy in it: send one of energy_j/],
    [{ energy: 5 }, /no energy in it/],
    [{ energy_mwh: 1, energy_wh: 1 }, /energy_wh and energy_mwh are given: send one/],
    [{ energy_mah: 2 }, /voltage_v is missing/],
    [{ power_mw: 2500 }, /duration_s is missing/],
    [{ energy_mwh: -1 }, /energy_mwh is -1/],
    [{ energy_mwh: '1' }, /energy_mwh is "1"/],
    [{ energy_mwh: 1, boundary: 'Wall' }, /boundary is not one of/],
    [{ energy_mwh: 1, source: '../x' }, /source is not a short name/],
  ])('refuses %j', (body, message) => {
    expect(() => parsePush(body)).toThrow(message);
  });

  it('counts each push once, and is gone when nothing comes any more', async () => {
    const clock = new FakeClock();
    const found: PowerSource[] = [];
    const sources = new ExternalSources({ clock, onNew: (source) => found.push(source) });
    sources.accept(parsePush({ energy_mwh: 1, source: 'usb-meter', monotonic_s: 10 }));
    sources.accept(parsePush({ energy_mwh: 2, source: 'usb-meter', monotonic_s: 11 }));
    expect(() => sources.accept(parsePush({ energy_mwh: 2, source: 'usb-meter', monotonic_s: 11 }))).toThrow('counted already');
    expect(found.map((source) => source.name)).toEqual(['external:usb-meter']);
    const signal = new AbortController().signal;
    expect(await found[0]?.read(signal)).toEqual({ reading: { kind: 'energy', joules: expect.closeTo(10.8, 9) } });
    await clock.advance(61_000);
    await expect(found[0]?.read(signal)).rejects.toThrow('has pushed nothing for 60 s');
  });

  it('is one meter: the same name at another boundary is refused', () => {
    const found: PowerSource[] = [];
    const sources = new ExternalSources({ clock: new FakeClock(), onNew: (source) => found.push(source) });
    sources.accept(parsePush({ energy_mwh: 1, source: 'bench' }));
    expect(() => sources.accept(parsePush({ energy_mwh: 1, source: 'bench', boundary: 'Module' }))).toThrow(
      'source bench measures at Board: give what measures at Module a name of its own',
    );
    sources.accept(parsePush({ energy_mwh: 1, source: 'bench-2', boundary: 'Module' }));
    expect(found.map((source) => source.name)).toEqual(['external:bench', 'external:bench-2']);
  });
});
