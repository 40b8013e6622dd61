// Graphics cards: a part of the node with a series of its own.
import type { Probe } from '../node-power.ts';
import type { PowerSource } from '../power-source.ts';
import type { RunCommand } from './command.ts';

const command = 'nvidia-smi';
const query = ['--query-gpu=index,power.draw', '--format=csv,noheader,nounits'];

/** `0, 34.71` per card; `[N/A]` means that the card has no meter, not that it draws nothing. */
export function parseNvidiaSmi(text: string): { index: number; watts: number }[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s*,\s*(\d+(?:\.\d+)?)\s*$/.exec(line);
    return match ? [{ index: Number(match[1]), watts: Number(match[2]) }] : [];
  });
}

export async function probeNvidiaSmi(run: RunCommand, signal: AbortSignal): Promise<Probe> {
  const looked = `${command} ${query[0]}`;
  try {
    const cards = parseNvidiaSmi(await run(command, query, signal));
    if (cards.length === 0) return { looked, found: [], why: 'no card shows its power' };
    return { looked, found: cards.map((card) => cardSource(run, card.index)) };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { looked, found: [], why: missing ? 'no such command' : `it failed: ${(error as Error).message.split('\n')[0]}` };
  }
}

function cardSource(run: RunCommand, index: number): PowerSource {
  return {
    name: `nvidia-smi:${index}`,
    kind: 'nvidia-smi',
    boundary: 'Package',
    resolution: { watts: 0.01 },
    intervalMilliseconds: 5000,
    onDemand: false,
    partial: true,
    notes: ['one graphics card: a part of the node, so neither its total nor a budget\u2019s boundary'],
    async read(signal) {
      const card = parseNvidiaSmi(await run(command, query, signal)).find((candidate) => candidate.index === index);
      if (!card) throw new Error(`card ${index} shows no power any more`);
      return { reading: { kind: 'power', watts: card.watts } };
    },
  };
}
