import { open, readFile, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parsePredictorFile } from '../../energy/prediction/catalogue.ts';
import { type PlanName, shippedPlans } from '../../energy/prediction/training/plans.ts';
import { artifactText, trainShipped } from '../../energy/prediction/training/ship.ts';
import { TableError } from '../../energy/prediction/training/table.ts';
import { makeDataDirectory } from '../data-directory.ts';
import { CommandError, exitCodes, usageError } from '../exit-codes.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';
import { formatTable } from '../output/table.ts';

interface TrainFlags {
  data: string;
  out: string;
  only?: string[];
  replace: boolean;
  output: string;
}

interface Trained {
  predictor: string;
  file: string;
  rows: number;
  meanAbsolutePercent: number;
  medianAbsolutePercent: number;
  seconds: number;
}

/** The same tables give the same bytes. Steps go to the error stream, the result to the output. */
export async function train(flags: TrainFlags, signal: AbortSignal): Promise<void> {
  const format = parseOutputFormat(flags.output);
  const names = chosen(flags.only);
  const texts = await readTables(flags.data, names);
  const trained: Trained[] = [];
  await makeDataDirectory(flags.out, '--out');
  for (const name of names) {
    const started = performance.now();
    await setImmediate();
    signal.throwIfAborted();
    const note = (step: string) => process.stderr.write(`${name}: ${step}\n`);
    const artifact = trainOne(name, texts, note);
    const file = path.join(flags.out, `${name}.json`);
    await store(file, artifactText(artifact), flags.replace);
    const { meanAbsolutePercent, medianAbsolutePercent } = artifact.card.scores.byArchitecture;
    trained.push({
      predictor: `${artifact.name}@${artifact.version}`,
      file,
      rows: artifact.card.rows,
      meanAbsolutePercent,
      medianAbsolutePercent,
      seconds: Number(((performance.now() - started) / 1000).toFixed(1)),
    });
  }
  if (format === 'json') printJson(trained);
  else process.stdout.write(`${formatTrained(trained)}\n`);
}

function trainOne(name: PlanName, texts: ReadonlyMap<string, string>, note: (step: string) => void) {
  try {
    return trainShipped(name, (file) => texts.get(file) ?? '', note);
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    throw new CommandError(error.message, `${shippedPlans[name].manifest} says which columns the table has`, { cause: error });
  }
}

function chosen(only: readonly string[] | undefined): PlanName[] {
  const all = Object.keys(shippedPlans) as PlanName[];
  if (only === undefined) return all;
  return only.map((wanted) => {
    const name = all.find((one) => one === wanted);
    if (name) return name;
    throw usageError(`--only ${wanted} is no predictor that can be trained`, `use one of: ${all.join(', ')}`);
  });
}

async function readTables(directory: string, names: readonly PlanName[]): Promise<ReadonlyMap<string, string>> {
  const found = await stat(directory).catch(() => undefined);
  if (!found?.isDirectory())
    throw usageError(`--data ${directory} is not a directory`, 'name the directory that holds the measurement tables');
  const texts = new Map<string, string>();
  for (const name of names)
    for (const file of shippedPlans[name].files) {
      const text = await readFile(path.join(directory, file), 'utf8').catch((error: NodeJS.ErrnoException) => error);
      if (typeof text !== 'string')
        throw new CommandError(
          `${path.join(directory, file)}: ${text.code === 'ENOENT' ? 'there is no such file' : 'it cannot be read'}, and ${name} is trained on it`,
          `${shippedPlans[name].manifest} says what it holds; --only trains some predictors`,
          { cause: text },
        );
      texts.set(file, text);
    }
  return texts;
}

/** Verdicts name a predictor's version, so a version never gets other contents unless asked to. */
async function store(file: string, text: string, replace: boolean): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before === text) return;
  if (before !== undefined && !replace) {
    const { name, version } = parsePredictorFile(file, before);
    throw new CommandError(
      `${file} holds ${name}@${version} with other contents`,
      'write to another directory with --out, or say --replace',
      { exitCode: exitCodes.negative },
    );
  }
  const handle = await open(`${file}.new`, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

function formatTrained(trained: readonly Trained[]): string {
  return formatTable(
    [
      { title: 'PREDICTOR', value: (row) => row.predictor },
      { title: 'ROWS', value: (row) => String(row.rows), align: 'right' },
      { title: 'MEAN ERROR', value: (row) => `${row.meanAbsolutePercent.toFixed(1)} %`, align: 'right' },
      { title: 'MEDIAN', value: (row) => `${row.medianAbsolutePercent.toFixed(1)} %`, align: 'right' },
      { title: 'TOOK', value: (row) => `${row.seconds} s`, align: 'right' },
      { title: 'FILE', value: (row) => row.file },
    ],
    trained,
  );
}
