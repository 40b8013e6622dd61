// Why the board runs slower than it could: what the Raspberry Pi's firmware says, and what the kernel's thermal governor does.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunCommand } from '../power/sources/command.ts';
import { parseThrottled } from './parse.ts';

export interface Throttling {
  /** Reasons now, such as `undervoltage`. */
  reasons: readonly string[];
  /** Whether anything here would say it. Without it, no reason does not mean that nothing slows the board down. */
  shown: boolean;
}

interface Options {
  pathSysfs: string;
  /** Whether to ask `vcgencmd`: a Raspberry Pi 5 shows its reasons nowhere else. */
  isRaspberryPi: boolean;
}

const command = 'vcgencmd';
const bitsPattern = /^(throttled=)?(0x)?[0-9a-f]+$/i;
/** A tool that is not there, or may not ask the firmware, will not be there five seconds later. */
const maximumFailures = 3;
/**
 * What slows processors down to cool them: the kernel's names (cpufreq and devfreq cooling, ACPI), and NVIDIA's on Jetson. Fans and
 * forced idling of other parts are not among them.
 */
const slowingCoolers = /^(thermal-)?(cpufreq|devfreq)-|^Processor$|^(cpu|gpu|emergency)-balanced$|-throttle-alert$/;

export class ThrottleReader {
  readonly #options: Options;
  readonly #run: RunCommand;
  #failures = 0;

  constructor(options: Options, deps: { run: RunCommand }) {
    this.#options = options;
    this.#run = deps.run;
  }

  async read(): Promise<Throttling> {
    const [bits, coolers] = await Promise.all([this.#firmwareBits(), readCoolers(this.#options.pathSysfs)]);
    return {
      reasons: [...(bits === undefined ? [] : parseThrottled(bits)), ...(coolers.some((state) => state > 0) ? ['thermal'] : [])],
      shown: bits !== undefined || coolers.length > 0,
    };
  }

  async #firmwareBits(): Promise<string | undefined> {
    const { pathSysfs, isRaspberryPi } = this.#options;
    const file = await text(path.join(pathSysfs, 'devices/platform/soc/soc:firmware/get_throttled'));
    if (file !== undefined) return sound(file);
    if (!isRaspberryPi || this.#failures >= maximumFailures) return undefined;
    try {
      const answer = await this.#run(command, ['get_throttled'], new AbortController().signal);
      this.#failures = 0;
      return sound(answer);
    } catch {
      this.#failures++;
      return undefined;
    }
  }
}

function sound(bits: string): string | undefined {
  return bitsPattern.test(bits.trim()) ? bits : undefined;
}

/** States of the coolers that slow processors down; 0 is none of it. */
async function readCoolers(pathSysfs: string): Promise<number[]> {
  const directory = path.join(pathSysfs, 'class/thermal');
  const names = (await readdir(directory).catch((): string[] => [])).filter((name) => name.startsWith('cooling_device'));
  const states = await Promise.all(
    names.map(async (name) => {
      const type = (await text(path.join(directory, name, 'type')))?.trim() ?? '';
      if (!slowingCoolers.test(type)) return [];
      const state = Number(await text(path.join(directory, name, 'cur_state')));
      return Number.isFinite(state) ? [state] : [];
    }),
  );
  return states.flat();
}

async function text(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}
