// Does the graph reader count what the predictors' table counts? Every timm architecture of the table is exported and read back:
// node test/bench/energy-agreement.ts --data DIRECTORY --python PYTHON [--work DIRECTORY] [--minutes 60]
// Resumable: what --work holds is not exported again. The summary goes to docs/energy-agreement.json.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { abortOnSignals } from '../../cli/interrupt.ts';
import { analyzeGraph } from '../../energy/graph/extract/analyze.ts';
import { parseTable, textIn } from '../../energy/prediction/training/table.ts';
import { featuresFromTable } from '../../energy/prediction/training/timm-rows.ts';
import { type Comparison, compare, summarize } from './energy/agreement.ts';
import { startExporter } from './energy/exporter.ts';

const root = path.join(import.meta.dirname, '../..');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: path.join(root, '../shared/data/energy') },
      python: { type: 'string', default: 'python3' },
      work: { type: 'string', default: path.join(root, '.agreement') },
      minutes: { type: 'string', default: '600' },
    },
  });
  const { signal } = abortOnSignals();
  mkdirSync(values.work, { recursive: true });
  const journal = path.join(values.work, 'compared.jsonl');
  const done = existsSync(journal) ? readJournal(journal) : [];
  const known = new Set(done.map(({ architecture, pixels }) => `${architecture} ${pixels}`));
  const rows = parseTable(readFileSync(path.join(values.data, 'timm_features.csv'), 'utf8'), 'timm_features.csv');
  const deadline = performance.now() + 60_000 * Number(values.minutes);
  const exporter = startExporter(values.python, root, signal);
  try {
    for (const row of rows) {
      const [architecture, pixels] = [textIn(row, 'architecture'), textIn(row, 'input_pixels')];
      if (known.has(`${architecture} ${pixels}`)) continue;
      if (performance.now() > deadline) break;
      const file = path.join(values.work, 'model.onnx');
      const comparison = await one(architecture, Number(pixels), file);
      appendFileSync(journal, `${JSON.stringify(comparison)}\n`);
      done.push(comparison);
      console.log(`${done.length}/${rows.length} ${architecture}: ${comparison.kind}`);

      async function one(architecture: string, pixels: number, file: string): Promise<Comparison> {
        const answer = await exporter.export(architecture, pixels, file);
        if ('error' in answer) return { kind: 'not exported', architecture, pixels, reason: answer.error };
        try {
          const { features } = await analyzeGraph(file, { signal });
          return compare(architecture, pixels, features, featuresFromTable(row));
        } catch (error) {
          signal.throwIfAborted();
          return { kind: 'not read', architecture, pixels, reason: error instanceof Error ? error.message : String(error) };
        } finally {
          rmSync(file, { force: true });
        }
      }
    }
  } finally {
    exporter.stop();
  }
  writeFileSync(path.join(root, 'docs/energy-agreement.json'), `${JSON.stringify(summarize(done), null, 1)}\n`);
}

function readJournal(file: string): Comparison[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Comparison);
}

if (import.meta.main) await main();
