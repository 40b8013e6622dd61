// A window measures a model only while nothing else ran: no request to another model, and no model that was loaded beside it.
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceTurn, LiveLoad } from '../../../agent/measurement/device-turn.ts';
import { IdleBaselines } from '../../../agent/measurement/idle-baseline.ts';
import { type OperationWindow, watchOperation } from '../../../agent/measurement/operation-windows.ts';
import { NodePower } from '../../../agent/power/node-power.ts';
import { ModelStatistics } from '../../../agent/serving/model-statistics.ts';
import type { ServedModel } from '../../../agent/serving/served-model.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

let clock: FakeClock;
let live: LiveLoad;
beforeEach(() => {
  clock = new FakeClock();
  live = new LiveLoad(clock);
});

describe('how busy a device is', () => {
  it.each([
    ['few long requests', 5, 1000],
    ['many short ones', 20_000, 0.25],
  ])('counts %s alike', async (_, requests, milliseconds) => {
    for (let request = 0; request < requests; request++) {
      live.record(milliseconds);
      if (request % (requests / 5) === 0) await clock.advance(1000);
    }
    expect(live.percent()).toBeCloseTo(50, 6);
    await clock.advance(11_000);
    expect(live.percent()).toBe(0);
  });
});

describe('a window of operation', () => {
  async function windowsWhile(during: () => Promise<void>): Promise<OperationWindow[]> {
    const statistics = new ModelStatistics();
    const model = { statistics } as Partial<ServedModel> as ServedModel;
    const watts = { reading: { kind: 'power', watts: 4 } } as const;
    const power = new NodePower(
      [
        {
          looked: 'here',
          found: [
            {
              name: 'board',
              kind: 'ina2xx',
              boundary: 'Board',
              resolution: { watts: 0.01 },
              intervalMilliseconds: 10_000,
              onDemand: false,
              partial: false,
              notes: [],
              read: () => Promise.resolve(watts),
            },
          ],
        },
      ],
      { clock, logger: silentLogger },
    );
    const baselines = new IdleBaselines({ clock, lastInference: () => 0, temperature: () => undefined, partSeconds: 2 });
    const windows: OperationWindow[] = [];
    const ended = new AbortController();
    const watching = watchOperation(
      {
        clock,
        power,
        baselines,
        turn: new DeviceTurn(),
        live,
        models: () => [model],
        onWindow: (_, window) => windows.push(window),
        windowSeconds: 10,
      },
      ended.signal,
    );
    await clock.advance(0);
    statistics.recordSuccess(1000, 1000);
    await during();
    ended.abort();
    await watching;
    return windows;
  }

  it('counts for the one model that was at work in it', async () => {
    expect(await windowsWhile(() => clock.advance(10_000))).toMatchObject([{ inferences: 1, source: 'board' }]);
  });

  it('counts for none when a model was loaded in it, however short that took', async () => {
    const windows = await windowsWhile(async () => {
      live.prepare()[Symbol.dispose]();
      await clock.advance(10_000);
    });
    expect(windows).toEqual([]);
  });

  it('counts for none that a load reaches into from before', async () => {
    const loading = live.prepare();
    const windows = await windowsWhile(async () => {
      loading[Symbol.dispose]();
      await clock.advance(10_000);
    });
    expect(windows).toEqual([]);
  });
});
