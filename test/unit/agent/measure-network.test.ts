import { describe, expect, it } from 'vitest';
import type { ProbeOutcome } from '../../../agent/calibration/calibration-record.ts';
import { measureNetwork, windowFactor } from '../../../agent/calibration/measure-network.ts';
import type { EngineModel } from '../../../agent/inference/engine.ts';
import type { Baseline } from '../../../agent/measurement/idle-baseline.ts';
import { PowerMeter } from '../../../agent/power/power-meter.ts';
import type { PowerSource } from '../../../agent/power/power-source.ts';
import { ServedModel } from '../../../agent/serving/served-model.ts';
import type { Boundary } from '../../../crds/shared.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { gaussian, randomFrom } from '../../support/random.ts';
import { silentLogger } from '../../support/silent-logger.ts';

interface World {
  /** Of one inference. */
  seconds?: number;
  /** While inference number `run` works. */
  watts?: (run: number) => number;
  idleWatts?: number;
  boundary?: Boundary;
  baseline?: Baseline;
  intervalMilliseconds?: number;
  resolutionJoules?: number;
  /** Milliseconds on the clock → why the board is slowed down. */
  throttled?: (at: number) => readonly string[];
  /** Milliseconds on the clock → whether the meter answers. */
  answers?: (at: number) => boolean;
  failsFrom?: number;
}

const plan = { windows: 4, windowSeconds: 10 };
const slot = {
  revision: 'r1',
  modelVersionName: 'probe',
  modelVersion: '1',
  variant: 'probe',
  digest: 'sha256:0',
  size: 1,
  peakMemory: '1Mi',
};

/** A model that takes exactly so long and a meter that counts exactly what it draws, both on a clock that only they move. */
function worldOf(world: World) {
  const { seconds = 0.5, watts = () => 4, idleWatts = 1, boundary = 'Board', intervalMilliseconds = 100 } = world;
  const clock = new FakeClock();
  let runs = 0;
  /** Above what the board draws at rest. */
  let above = 0;
  const infer = async () => {
    runs++;
    await clock.advance(seconds * 1000);
    above += (watts(runs) - idleWatts) * seconds;
    if (world.failsFrom !== undefined && runs >= world.failsFrom) throw new Error('the operator is not there');
    return { outputs: [], queueMicroseconds: 0, transferMicroseconds: 0, modelMicroseconds: seconds * 1e6 };
  };
  const model: EngineModel = {
    inputs: [],
    outputs: [],
    platform: 'onnx',
    executionProviders: ['cpu'],
    runtimeVersion: '1',
    loadMilliseconds: 1,
    ready: true,
    queueLength: 0,
    restarts: { count: 0 },
    residentBytes: async () => undefined,
    infer,
    close: async () => {},
  };
  const source: PowerSource = {
    name: 'counter',
    kind: 'simulated',
    boundary,
    resolution: { joules: world.resolutionJoules ?? 1e-6 },
    intervalMilliseconds,
    onDemand: false,
    partial: false,
    notes: [],
    read: async () => {
      if (world.answers?.(clock.monotonic()) === false) throw new Error('the bus is busy');
      return { reading: { kind: 'energy', joules: (idleWatts * clock.monotonic()) / 1000 + above } };
    },
  };
  const served = new ServedModel({ namespace: 'n', deployment: 'd' }, slot, model, {
    clock,
    observer: { onInference: () => {} },
  });
  const deps = {
    clock,
    meter: new PowerMeter(source, { clock, logger: silentLogger }),
    boundary,
    baseline: world.baseline,
    throttled: () => world.throttled?.(clock.monotonic()) ?? [],
    temperature: () => 48,
  };
  return { clock, measure: (signal: AbortSignal) => measureNetwork(served, plan, deps, signal) };
}

async function outcomeOf(world: World): Promise<{ outcome: ProbeOutcome; seconds: number }> {
  const { clock, measure } = worldOf(world);
  const outcome = await settled(measure(new AbortController().signal), clock);
  return { outcome, seconds: clock.monotonic() / 1000 };
}

/** Pauses that no inference fills pass as well. */
async function settled<T>(running: Promise<T>, clock: FakeClock): Promise<T> {
  const state = { ended: false };
  const end = () => {
    state.ended = true;
  };
  running.then(end, end);
  while (!state.ended) {
    if (clock.sleeping > 0) await clock.advance(1000);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  return running;
}

describe('the measurement of one network', () => {
  it('is the energy and time of an inference over four windows of ten seconds', async () => {
    const { outcome } = await outcomeOf({ watts: () => 4, seconds: 0.5 });
    expect(outcome).toMatchObject({ kind: 'Measured', windows: 4, inferences: 80, temperatureCelsius: 48 });
    if (outcome.kind !== 'Measured') return;
    expect(outcome.joules).toBeCloseTo(2, 9);
    expect(outcome.seconds).toBeCloseTo(0.5, 9);
    expect(outcome.joulesLogVariance).toBeLessThan(1e-12);
  });

  it('is taken above idle at the core rail, where the baseline is needed', async () => {
    const baseline: Baseline = { watts: 1, relativeSd: 0, source: 'counter', time: 0, at: 0 };
    const { outcome } = await outcomeOf({ boundary: 'CoreRail', baseline });
    expect(outcome).toMatchObject({ kind: 'Measured', joules: expect.closeTo(1.5, 9) as number });
  });

  it('takes windows three times as long with a meter that answers less often than once a second', async () => {
    const { outcome } = await outcomeOf({ intervalMilliseconds: 5000 });
    expect(outcome).toMatchObject({ kind: 'Measured', windows: 4, inferences: 4 * 60 });
    expect([100, 1000, 1001, 5000].map((intervalMilliseconds) => windowFactor({ intervalMilliseconds }))).toEqual([1, 1, 3, 3]);
  });

  it('takes windows of at least five inferences of a slow network', async () => {
    const { outcome } = await outcomeOf({ seconds: 6 });
    expect(outcome).toMatchObject({ kind: 'Measured', windows: 4, inferences: 4 * 5 });
  });

  it('goes on, up to three times the windows, while the mean is not known within 1 %', async () => {
    const random = randomFrom(3);
    const windowsOf = async (relativeSd: number) => {
      const { outcome } = await outcomeOf({ seconds: 2, watts: () => 4 * (1 + relativeSd * gaussian(random)) });
      if (outcome.kind !== 'Measured') throw new Error(outcome.message);
      return { windows: outcome.windows, error: Math.sqrt(outcome.joulesLogVariance) };
    };
    expect(await windowsOf(0.002)).toMatchObject({ windows: 4 });
    const noisy = await windowsOf(0.06);
    expect(noisy.windows).toBeGreaterThan(4);
    expect(noisy.error).toBeLessThanOrEqual(0.01);
    const hopeless = await windowsOf(0.4);
    expect(hopeless.windows).toBe(12);
    expect(hopeless.error).toBeGreaterThan(0.01);
  });

  it('leaves windows out that the meter did not answer through', async () => {
    // Silent for a moment, twice in a minute; each time one window is lost and another one taken.
    const { outcome } = await outcomeOf({ answers: (at) => at % 30_000 < 29_000 });
    expect(outcome).toMatchObject({ kind: 'Measured', windows: 4, joules: expect.closeTo(2, 6) as number });
  });

  it('is none when the meter does not answer, and says in how many windows it did', async () => {
    const { outcome } = await outcomeOf({ answers: () => false });
    expect(outcome).toEqual({
      kind: 'LeftOut',
      reason: 'MeterGaps',
      message: 'counter answered in 0 of 12 windows: see that it is read without gaps',
    });
  });

  it('is none below the resolution of the meter, or when the meter saw no more than at rest', async () => {
    const coarse = await outcomeOf({ resolutionJoules: 100 });
    expect(coarse.outcome).toMatchObject({ kind: 'LeftOut', reason: 'BelowResolution' });
    expect(coarse.outcome).toMatchObject({ message: expect.stringContaining('counter cannot see less than 5J') as string });
    const baseline: Baseline = { watts: 1, relativeSd: 0, source: 'counter', time: 0, at: 0 };
    const resting = await outcomeOf({ boundary: 'CoreRail', baseline, watts: () => 1 });
    expect(resting.outcome).toMatchObject({ kind: 'LeftOut', reason: 'BelowResolution' });
  });

  it('is none when inferences fail, and ends with the first window in which one did', async () => {
    const { outcome, seconds } = await outcomeOf({ failsFrom: 60 });
    expect(outcome).toMatchObject({ kind: 'LeftOut', reason: 'InferenceFailed' });
    expect(seconds).toBeLessThan(60);
  });

  it('is taken again after a pause of six windows when the board was throttled', async () => {
    const calm = await outcomeOf({});
    const hot = await outcomeOf({ throttled: (at) => (at > 15_000 && at < 30_000 ? ['thermal'] : []) });
    expect(hot.outcome).toMatchObject({ kind: 'Measured', windows: 4, joules: expect.closeTo(2, 9) as number });
    expect(hot.seconds).toBeCloseTo(2 * calm.seconds + 60, 6);
  });

  it('is none when the board was throttled twice, for every reason that it gave', async () => {
    const { outcome } = await outcomeOf({ throttled: (at) => [at < 20_000 ? 'thermal' : 'undervoltage', 'thermal'] });
    expect(outcome).toEqual({
      kind: 'LeftOut',
      reason: 'Throttled',
      message: expect.stringMatching(/^the board was throttled \((undervoltage, thermal|thermal, undervoltage)\)/) as string,
    });
  });

  it('counts a throttle that shows only after the last window', async () => {
    const calm = await outcomeOf({});
    const last = calm.seconds * 1000 - 1;
    const { outcome, seconds } = await outcomeOf({ throttled: (at) => (at > last && at < last + 100 ? ['thermal'] : []) });
    expect(outcome.kind).toBe('Measured');
    expect(seconds).toBeGreaterThan(calm.seconds + 60);
  });

  it('stops with the reason of the signal, in a window and in the pause', async () => {
    for (const [milliseconds, throttled] of [
      [20_000, () => []],
      [70_000, () => ['thermal']],
    ] as const) {
      const controller = new AbortController();
      const { clock, measure } = worldOf({ throttled });
      const stop = clock.sleep(milliseconds, controller.signal).then(() => controller.abort(new Error('enough')));
      await expect(settled(measure(controller.signal), clock)).rejects.toThrow('enough');
      await stop;
      expect(clock.monotonic()).toBeLessThan(milliseconds + 2000);
    }
  });
});
