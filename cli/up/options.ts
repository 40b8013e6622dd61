import { usageError } from '../exit-codes.ts';

export interface SimulatedDevice {
  /** The class whose board is simulated; the device itself belongs to `<class>-simulated`. */
  className: string;
  name: string;
}

export interface UpOptions {
  dataDirectory: string;
  port: number;
  webPort: number;
  simulated: SimulatedDevice[];
  fleet?: string;
  /** Stop after the first convergence instead of staying up: for scripts and tests. */
  once: boolean;
}

const maximumSimulated = 64;

/** `raspberry-pi-5=1,jetson-nano=2` or `none`. */
export function parseSimulate(text: string): SimulatedDevice[] {
  if (text === 'none' || text === '') return [];
  const devices = text.split(',').flatMap((part) => {
    const match = /^([a-z0-9]+(?:-[a-z0-9]+)*)=(\d{1,3})$/.exec(part.trim());
    const [, className, digits] = match ?? [];
    if (className === undefined || digits === undefined) {
      throw usageError(
        `--simulate ${text}: "${part}" is not CLASS=COUNT`,
        'write for example --simulate raspberry-pi-5=1,jetson-nano=1, or --simulate none',
      );
    }
    return Array.from({ length: Number(digits) }, (_, index) => ({ className, name: `simulated-${className}-${index + 1}` }));
  });
  const twice = devices.find(({ name }, index) => devices.findIndex((other) => other.name === name) !== index);
  if (twice) {
    throw usageError(
      `--simulate ${text}: ${twice.className} comes twice, and its devices would have the same names`,
      `write it once, with the sum: --simulate ${twice.className}=${devices.filter((device) => device.className === twice.className).length}`,
    );
  }
  if (devices.length > maximumSimulated) {
    throw usageError(
      `--simulate ${text}: ${devices.length} devices, each of them a real agent process`,
      `simulate at most ${maximumSimulated}`,
    );
  }
  return devices;
}
