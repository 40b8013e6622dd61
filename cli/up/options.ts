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
  if (devices.length > maximumSimulated) {
    throw usageError(
      `--simulate ${text}: ${devices.length} devices, each of them a real agent process`,
      `simulate at most ${maximumSimulated}`,
    );
  }
  return devices;
}

/** Before anything is started: an agent that cannot simulate its board ends at once. */
export function checkSimulated(devices: readonly SimulatedDevice[], known: readonly string[]): void {
  const stranger = devices.find(({ className }) => !known.includes(className));
  if (stranger)
    throw usageError(`--simulate ${stranger.className}: this board cannot be simulated`, `use one of: ${known.join(', ')}`);
}

export function parsePort(flag: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw usageError(`${flag} ${text} is not a port`, 'use a number from 0 to 65535; 0 takes a free one');
}
