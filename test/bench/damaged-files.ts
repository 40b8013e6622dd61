// Thousands of damaged ONNX files through the graph reader: `--mutants 3000`. Resumable: `--journal FILE` keeps what was read.
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type MutantOutcome, mutantLimits, readMutant, soundModels } from '../support/mutated-models.ts';
import { type Bench, countOption } from './harness/bench.ts';
import { quantile, seconds } from './harness/format.ts';

type Entry = MutantOutcome & { index: number };

async function known(journal: string | undefined): Promise<Entry[]> {
  if (journal === undefined || !existsSync(journal)) return [];
  const lines = (await readFile(journal, 'utf8')).trim().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Entry);
}

export const bench: Bench = {
  title: 'Damaged model files',
  async run(options) {
    const count = countOption(options, 'mutants', 300);
    const { journal } = options.values;
    const models = soundModels();
    const entries = (await known(journal)).filter(({ index }) => index < count);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'jouleops-damaged-'));
    try {
      for (let index = entries.length; index < count; index += 1) {
        options.signal.throwIfAborted();
        const entry = { index, ...(await readMutant(models, index, path.join(folder, 'mutant.onnx'))) };
        entries.push(entry);
        if (journal !== undefined) await appendFile(journal, `${JSON.stringify(entry)}\n`);
        if (entries.length % 100 === 0) options.note(`${entries.length} of ${count}`);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const outcomes = Map.groupBy(entries, ({ outcome }) => outcome);
    const took = entries.map((entry) => entry.seconds);
    return {
      tables: [
        {
          caption: `${count.toLocaleString('en')} damaged files made from ${models.length} sound ones (convolutions, products, half floats, quantised weights, a symbolic batch with weights outside, a node with a graph of its own): bytes flipped, cut and repeated, and well-formed files that say impossible things. Limits: ${mutantLimits.seconds} s, ${mutantLimits.memoryBytes / 2 ** 20} MiB.`,
          columns: ['outcome', 'files'],
          rows: [...outcomes]
            .toSorted(([, left], [, right]) => right.length - left.length)
            .map(([outcome, list]) => [outcome, String(list.length)]),
        },
      ],
      remarks: [
        'Every one was analysed with sane figures or refused with a reason; a crash of the reading process is a refusal too (Crashed), and its parent lives on. One without a reason would have ended the run.',
        `Each takes a process of its own: p50 ${seconds(quantile(took, 0.5))}, longest ${seconds(Math.max(...took))}.`,
      ],
    };
  },
};
