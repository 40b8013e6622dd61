import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { type LoadTarget, warmUpUntilFlat } from '../../../agent/measurement/load-window.ts';
import { PowerMeter } from '../../../agent/power/power-meter.ts';
import type { PowerSource } from '../../../agent/power/power-source.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const signal = new AbortController().signal;
const watts = 2;
const source: PowerSource = {
  name: 'fake',
  kind: 'simulated',
  boundary: 'Board',
  resolution: { watts: 0.001 },
  intervalMilliseconds: 1000,
  onDemand: false,
  notes: [],
  partial: false,
  read: async () => ({ reading: { kind: 'power', watts } }),
};

describe('the warm-up of a controlled loop', () => {
  it('ends when latency is flat, and says what the board drew meanwhile', async () => {
    const clock = new FakeClock();
    // Two milliseconds at first, one from the second round on: three rounds of 500.
    let inferences = 0;
    const infer = async () => {
      inferences++;
      await clock.advance(inferences <= 250 ? 2 : 1);
      return { outputs: [], queueMicroseconds: 0, transferMicroseconds: 0, modelMicroseconds: 0 };
    };
    const subject: LoadTarget = { model: { infer }, inputsAt: () => [] };
    const meter = new PowerMeter(source, { clock, logger: pino({ level: 'silent' }) });
    const joules = await warmUpUntilFlat(subject, clock, signal, meter);
    expect(inferences).toBe(250 + 500 + 500);
    expect(joules).toBeCloseTo((watts * clock.monotonic()) / 1000, 6);
  });
});
