import { describe, expect, it } from 'vitest';
import { hiddenBoardOf } from '../../../agent/power/simulated/hidden-board.ts';
import { withMisfit } from '../../../agent/power/simulated/misfit.ts';
import { SimulatedBoard, workOf } from '../../../agent/power/simulated/simulated-board.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { randomFrom } from '../../support/random.ts';
import { type Network, probeNetworks } from '../../support/virtual-boards.ts';

const networks = probeNetworks();
const first = networks.find(({ features }) => features.macs > 1e9);
if (!first) throw new Error('there are no probes');
const plain = hiddenBoardOf('raspberry-pi-4');
const never = new AbortController().signal;

/** A network whose costs are all those of one layer. */
const single = (nodeClass: 'conv3x3' | 'elementwise'): Network => ({
  name: nodeClass,
  features: first.features,
  layers: [{ name: 'one', operator: nodeClass, nodeClass, macs: nodeClass === 'conv3x3' ? 1e9 : 0, bytes: 1e6, weightBytes: 0 }],
});

describe('a simulated board with a misfit', () => {
  it('is the same board for the same seed, and another for another', () => {
    const joules = (seed: number) =>
      networks.map(({ features, layers }) => workOf(withMisfit(plain, seed), features, layers).joules);
    expect(joules(1)).toEqual(joules(1));
    for (const [index, value] of joules(1).entries()) expect(value).not.toBeCloseTo(joules(2)[index] ?? 0, 6);
  });

  it('costs what no sum of costs per kind of work says: layers of one kind and another size differ by about 15 %', () => {
    const board = withMisfit(plain, 5);
    const perMac = Array.from({ length: 24 }, (_, index) => {
      const macs = 1e6 * 2 ** (index / 2);
      const layers = [{ name: '', operator: 'Conv', nodeClass: 'conv3x3' as const, macs, bytes: macs / 100, weightBytes: 0 }];
      return Math.log(workOf(board, first.features, layers).joules / macs);
    }).slice(8);
    const mean = perMac.reduce((sum, value) => sum + value, 0) / perMac.length;
    const sd = Math.sqrt(perMac.reduce((sum, value) => sum + (value - mean) ** 2, 0) / perMac.length);
    expect(sd).toBeGreaterThan(0.07);
    expect(sd).toBeLessThan(0.25);
  });

  it('is slowed down by arithmetic that heats it, and not by moving memory', () => {
    const board = withMisfit(plain, 5);
    const watts = ({ features, layers }: Network) => {
      const { joules, seconds } = workOf(board, features, layers);
      return joules / seconds;
    };
    expect(watts(single('conv3x3'))).toBeLessThanOrEqual(board.coreWatts * 1.06);
    expect(watts(single('elementwise'))).toBeLessThan(board.coreWatts);
  });

  it('shows its power in steps of 40 mW, and the right energy over a window', async () => {
    const clock = new FakeClock();
    const hidden = withMisfit({ ...plain, runNoise: 0, sessionNoise: 0 }, 5);
    const board = new SimulatedBoard(hidden, { clock, random: randomFrom(1) });
    const [source] = board.sources();
    if (!source) throw new Error('the board has no meter');
    const { joules, seconds } = workOf(hidden, first.features, first.layers);
    const factor = hidden.meters[0]?.factor ?? 1;
    const idleWatts = hidden.meters[0]?.idleWatts ?? 0;
    let total = 0;
    const readings = 400;
    for (let index = 0; index < readings; index += 1) {
      await clock.advance(100);
      board.deposit(first.features, 0.1, first.layers);
      const { reading } = await source.read(never);
      if (reading.kind !== 'power') throw new Error('a power was expected');
      expect((reading.watts / 0.04) % 1).toBeCloseTo(0, 6);
      total += reading.watts * 0.1;
    }
    expect(total / readings / (joules * factor + idleWatts * seconds)).toBeCloseTo(1, 1);
    expect(source.resolution).toEqual({ watts: 0.04 });
  });

  it.each([
    ['is twice as fast', [0.5]],
    ['is three times as slow', [3]],
    ['is now fast and now slow', [0.4, 5, 1, 0.1, 2.5]],
  ])('shows the same energy back to back on a machine that %s', async (_, slowness) => {
    const clock = new FakeClock();
    const hidden = withMisfit({ ...plain, runNoise: 0, sessionNoise: 0 }, 5);
    const board = new SimulatedBoard(hidden, { clock });
    const [source] = board.sources();
    const [input] = hidden.meters;
    if (!source || !input) throw new Error('the board has no meter');
    const { joules, seconds } = workOf(hidden, first.features, first.layers);
    board.deposit(first.features, 0, first.layers);
    await source.read(never);
    let [measured, since] = [0, clock.monotonic()];
    const inferences = 200;
    for (let run = 0; run < inferences; run += 1) {
      const took = seconds * (slowness[run % slowness.length] ?? 1);
      await clock.advance(took * 1000);
      board.deposit(first.features, took, first.layers);
      if (run % 10 !== 9) continue;
      const { reading } = await source.read(never);
      if (reading.kind !== 'power') throw new Error('a power was expected');
      measured += (reading.watts * (clock.monotonic() - since)) / 1000;
      since = clock.monotonic();
    }
    expect(measured / inferences / (joules * input.factor + input.idleWatts * seconds)).toBeCloseTo(1, 1);
  });

  it('never draws less than at rest while a client pauses, however small the network and slow the machine', async () => {
    const clock = new FakeClock();
    const board = new SimulatedBoard(plain, { clock, random: randomFrom(1) });
    const [source] = board.sources();
    const idleWatts = plain.meters[0]?.idleWatts ?? 0;
    const small = networks.toSorted((left, right) => left.features.macs - right.features.macs)[0];
    if (!source || !small) throw new Error('the board has no meter');
    for (let run = 0; run < 200; run += 1) {
      await clock.advance(3);
      board.deposit(small.features, 0.001);
    }
    const { reading } = await source.read(never);
    expect(reading.kind === 'energy' ? reading.joules : 0).toBeGreaterThanOrEqual(idleWatts * 0.6 - 1e-3);
  });

  it('without a misfit is what it was: a counter, and a sum of costs', () => {
    const board = new SimulatedBoard(plain, { clock: new FakeClock() });
    expect(board.needsLayers).toBe(false);
    expect(board.sources().map(({ resolution }) => resolution)).toEqual([{ joules: 1e-3 }]);
    expect(workOf(plain, first.features, [])).toEqual(workOf(plain, first.features, first.layers));
  });
});
