// The power controller of a Raspberry Pi 5, read through the firmware's tool.
import type { Probe } from '../node-power.ts';
import type { PowerSource, Rail } from '../power-source.ts';
import type { RunCommand } from './command.ts';

const command = 'vcgencmd';
const coreArguments = ['pmic_read_adc', 'VDD_CORE_A', 'VDD_CORE_V'];

/** `VDD_CORE_A current(7)=1.2A` and `VDD_CORE_V volt(15)=0.8V` make a rail; a voltage without a current makes none. */
export function parsePmic(text: string): Rail[] {
  const values = new Map<string, number>();
  for (const match of text.matchAll(/^\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=(\d+(?:\.\d+)?)[AV]\s*$/gm)) {
    const [, rail, unit, value] = match;
    values.set(`${rail}_${unit}`, Number(value));
  }
  return [...values].flatMap(([key, amperes]) => {
    if (!key.endsWith('_A')) return [];
    const name = key.slice(0, -2);
    const volts = values.get(`${name}_V`);
    return volts === undefined ? [] : [{ name, watts: amperes * volts }];
  });
}

/** Two sources: all rails (Module), and the core rail alone for controlled loops (CoreRail). */
export async function probePmic(run: RunCommand, signal: AbortSignal): Promise<Probe> {
  const looked = `${command} pmic_read_adc`;
  let rails: Rail[];
  try {
    rails = parsePmic(await run(command, ['pmic_read_adc'], signal));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return {
      looked,
      found: [],
      why:
        code === 'ENOENT'
          ? 'no such command: this is no Raspberry Pi, or its tools are not installed'
          : `it failed: ${(error as Error).message.split('\n')[0]}`,
    };
  }
  if (rails.length === 0) return { looked, found: [], why: 'it shows no rails: only a Raspberry Pi 5 has this meter' };
  const core = rails.some((rail) => rail.name === 'VDD_CORE') ? [coreSource(run)] : [];
  return { looked, found: [moduleSource(run), ...core] };
}

function moduleSource(run: RunCommand): PowerSource {
  return {
    name: 'pmic:rails',
    kind: 'pmic',
    boundary: 'Module',
    resolution: { watts: 0.01 },
    // A full read costs up to a tenth of a second of firmware time: once in five seconds.
    intervalMilliseconds: 5000,
    onDemand: false,
    partial: false,
    notes: ['the sum of the rails of the power controller: USB ports, HATs and the losses of the regulators are missing'],
    async read(signal) {
      const rails = parsePmic(await run(command, ['pmic_read_adc'], signal));
      if (rails.length === 0) throw new Error(`${command} pmic_read_adc shows no rails any more`);
      return { reading: { kind: 'power', watts: rails.reduce((sum, rail) => sum + rail.watts, 0) }, rails };
    },
  };
}

function coreSource(run: RunCommand): PowerSource {
  return {
    name: 'rpi5-core',
    kind: 'pmic',
    boundary: 'CoreRail',
    resolution: { watts: 0.005 },
    intervalMilliseconds: 100,
    onDemand: true,
    partial: false,
    notes: ['VDD_CORE alone; read ten times a second, and only while a controlled loop runs'],
    async read(signal) {
      const [core] = parsePmic(await run(command, coreArguments, signal));
      if (!core) throw new Error(`${command} shows no VDD_CORE any more`);
      return { reading: { kind: 'power', watts: core.watts } };
    },
  };
}
