// What goes wrong, one thing after the other, in an order that the seed decides.
import { setTimeout as delay } from 'node:timers/promises';
import type { TestControlPlane } from '../controller.ts';
import type { Device } from './fleet.ts';

export type FaultCounts = Record<'kills' | 'partitions' | 'noisyLines' | 'clockJumps' | 'controllerRestarts', number>;

const largestSkewMilliseconds = 15 * 60_000;

/** Until the storm is over; then everything is mended. */
export async function breakThings(
  devices: readonly Device[],
  plane: TestControlPlane,
  random: () => number,
  storm: AbortSignal,
): Promise<FaultCounts> {
  const counts: FaultCounts = { kills: 0, partitions: 0, noisyLines: 0, clockJumps: 0, controllerRestarts: 0 };
  const repairs = new Set<Promise<void>>();
  const later = (milliseconds: number, repair: () => void) => {
    const done = delay(milliseconds).then(() => {
      repair();
      repairs.delete(done);
    });
    repairs.add(done);
  };
  while (await goesOn(100 + random() * 400, storm)) {
    const device = devices[Math.floor(random() * devices.length)];
    const what = random();
    const milliseconds = 100 + random() * 2000;
    if (!device) throw new Error('there is nobody to hurt');
    if (what < 0.3) {
      counts.kills += 1;
      const { agent } = device;
      device.agent = undefined;
      await agent?.kill();
      later(milliseconds, () => device.start());
    } else if (what < 0.6) {
      counts.partitions += 1;
      device.cut();
      later(milliseconds, () => device.mend());
    } else if (what < 0.8) {
      counts.noisyLines += 1;
      // Downloads are short: the line of one device alone would seldom be in use.
      const hurt = devices.filter(() => random() < 0.15);
      for (const one of hurt) one.noisyLine = true;
      later(milliseconds, () => {
        for (const one of hurt) one.noisyLine = false;
      });
    } else if (what < 0.98) {
      counts.clockJumps += 1;
      device.clock.skewMilliseconds = (2 * random() - 1) * largestSkewMilliseconds;
    } else {
      counts.controllerRestarts += 1;
      await plane.restart();
    }
  }
  await Promise.all(repairs);
  for (const device of devices) {
    device.noisyLine = false;
    device.mend();
    device.start();
  }
  return counts;
}

/** Whether the storm still rages after this long. */
async function goesOn(milliseconds: number, storm: AbortSignal): Promise<boolean> {
  await delay(milliseconds, undefined, { signal: storm }).catch(() => undefined);
  return !storm.aborted;
}
