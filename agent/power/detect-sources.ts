import type { Probe } from './node-power.ts';
import type { SimulatedBoard } from './simulated/simulated-board.ts';
import { type RunCommand, runCommand } from './sources/command.ts';
import { probeUsbMeters, type UsbMeterDeps } from './sources/fnb58.ts';
import { openHid } from './sources/hidraw.ts';
import { probeHwmon } from './sources/hwmon.ts';
import { probeIna3221 } from './sources/ina3221.ts';
import { probeNvidiaSmi } from './sources/nvidia-smi.ts';
import { probePmic } from './sources/pmic.ts';
import { probePowerSupply } from './sources/power-supply.ts';
import { probeRapl } from './sources/rapl.ts';

export interface DetectOptions {
  pathSysfs: string;
  simulated?: SimulatedBoard;
  run?: RunCommand;
  usb?: UsbMeterDeps;
}

/** Looks for every kind of source, and says what it looked for. A simulated board has its own meters and no others. */
export async function detectSources(options: DetectOptions, signal: AbortSignal): Promise<Probe[]> {
  const { pathSysfs, run = runCommand, usb = { open: openHid, now: () => performance.now() } } = options;
  if (options.simulated) {
    return [
      { looked: 'the simulated board', found: options.simulated.sources() },
      {
        looked: pathSysfs,
        found: [],
        why: 'not looked for: this device is simulated, and measured and simulated power are never mixed',
      },
    ];
  }
  return Promise.all([
    probeIna3221(pathSysfs),
    probeHwmon(pathSysfs),
    probePmic(run, signal),
    probePowerSupply(pathSysfs),
    probeRapl(pathSysfs),
    probeNvidiaSmi(run, signal),
    probeUsbMeters(pathSysfs, usb),
  ]);
}
