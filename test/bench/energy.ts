// Scores of the energy predictors on grouped folds, written into docs/energy.md: npm run bench:energy [-- --only SECTION] [--end-to-end 500] [--tried] [--data DIRECTORY]
// --tried also compares the alternatives that lost, which takes a quarter of an hour.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { analyzeGraph } from '../../energy/graph/extract/analyze.ts';
import { nasBench201 } from '../../energy/onnx/networks/nas-bench-201.ts';
import { evaluateLogModel, queryOf } from '../../energy/prediction/log-model.ts';
import { type Predictor, parsePredictor, predict } from '../../energy/prediction/predictor.ts';
import { coarseBaseline, macsBaseline } from '../../energy/prediction/training/baselines.ts';
import { cellFeatures } from '../../energy/prediction/training/cell-rows.ts';
import { binomialInterval, nestedCoverage } from '../../energy/prediction/training/coverage.ts';
import { outOfFold } from '../../energy/prediction/training/cross-validation.ts';
import { fitLogModel } from '../../energy/prediction/training/fit.ts';
import { randomGenerator, shuffled } from '../../energy/prediction/training/folds.ts';
import { type PlanName, shippedPlans } from '../../energy/prediction/training/plans.ts';
import { quantile, type Scores, scoresOf } from '../../energy/prediction/training/scores.ts';
import { completePlan, planRows } from '../../energy/prediction/training/ship.ts';
import { numberIn, parseTable, textIn } from '../../energy/prediction/training/table.ts';
import { coverageOptions, fitOptions, validationOptions } from '../../energy/prediction/training/train.ts';
import type { TrainingRow } from '../../energy/prediction/training/training-row.ts';
import { fewRowsTable } from './energy/few-rows.ts';
import { fewShotCounts, fewShotTable } from './energy/few-shot.ts';
import { fewShotWidthTable } from './energy/few-shot-widths.ts';
import { hiddenBoardTable } from './energy/hidden-boards.ts';
import { onlineReplay, onlineReplayTables } from './energy/online-replay.ts';
import { sessionOffsetTable } from './energy/session-offset.ts';
import { triedTable } from './energy/tried.ts';

const root = path.join(import.meta.dirname, '../..');
const page = path.join(root, 'docs/energy.md');

type Read = (name: string) => string;

/** As it deployed itself, on the same rows: the system that this one replaces. */
const replaced: Partial<Record<PlanName, string>> = {
  'raspberry-pi-5-board-pytorch': '| the replaced system, as deployed (quoted) | 50 % | 27 % | 0.45 | – |',
  'jetson-nano-board-pytorch': '| the replaced system, as deployed (quoted) | 93 % | 48 % | 0.07 | – |',
};

const percent = (value: number) => `${value.toFixed(1)} %`;

function line(name: string, { meanAbsolutePercent, medianAbsolutePercent, r2, logR2 }: Scores): string {
  return `| ${name} | ${percent(meanAbsolutePercent)} | ${percent(medianAbsolutePercent)} | ${r2.toFixed(3)} | ${logR2.toFixed(3)} |`;
}

function scoreTable(name: PlanName, rows: readonly TrainingRow[], read: Read): string {
  const plan = completePlan(name, read);
  const options = validationOptions(plan, 'joules', 'architecture');
  const grouped = outOfFold(rows, options);
  const latency = outOfFold(rows, validationOptions(plan, 'seconds', 'architecture'));
  const alone = grouped.map(({ roofline, actual }) => ({ predicted: roofline, actual }));
  const lines = [line('**this predictor**', scoresOf(grouped)), line('its roofline alone', scoresOf(alone))];
  if (plan.hasFamilies) {
    const families = outOfFold(rows, validationOptions(plan, 'joules', 'family'));
    const kind = name === 'raspberry-pi-5-corerail-onnxruntime' ? 'input size' : 'family';
    lines.push(line(`**this predictor, ${kind} never seen**`, scoresOf(families)));
  }
  lines.push(
    line('coarse features (MACs, activations, parameters)', scoresOf(coarseBaseline(rows, options))),
    line('MACs × constant', scoresOf(macsBaseline(rows, options))),
  );
  const quoted = replaced[name];
  if (quoted) lines.push(quoted);
  lines.push(line('latency, this predictor', scoresOf(latency)));
  const architectures = new Set(rows.map(({ architecture }) => architecture)).size;
  const scored = new Set(grouped.map(({ row }) => row)).size;
  return [
    `### ${name}`,
    `${rows.length} rows, ${architectures} architectures; ${scored} rows scored, ${plan.folds} folds by architecture × ${plan.repeats}.`,
    '',
    '| | mean error | median error | R² | R² of logarithms |',
    '|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

function coverageLine(name: PlanName, rows: readonly TrainingRow[], read: Read): string {
  const trials = nestedCoverage(rows, coverageOptions(completePlan(name, read)));
  const cell = (inside: boolean) => {
    const list = trials.filter((trial) => trial.inside === inside);
    if (list.length === 0) return '–';
    const covered = list.filter((trial) => trial.covered).length;
    // Rows of one architecture are not independent: the test counts architectures.
    const architectures = new Set(list.map(({ row }) => row.architecture)).size;
    const [lower, upper] = binomialInterval(Math.round((covered / list.length) * architectures), architectures, 90);
    const widths = list.map(({ logHalfWidth }) => logHalfWidth).sort((a, b) => a - b);
    const shown = `${covered} of ${list.length} = ${percent((100 * covered) / list.length)} (${percent(100 * lower)} to ${percent(100 * upper)})`;
    return `${shown}, ×${Math.exp(quantile(widths, 0.5)).toFixed(2)}`;
  };
  return `| ${name} | ${cell(true)} | ${cell(false)} |`;
}

function shippedPredictor(name: PlanName): Predictor {
  return parsePredictor(readFileSync(path.join(root, `data/predictors/${name}.json`), 'utf8'));
}

/** Does a transferred interval hold on the other runtimes of the same board and meter? */
function transfer(read: Read): string {
  const predictor = shippedPredictor('raspberry-pi-5-corerail-onnxruntime');
  const shapes: Readonly<Record<string, string>> = { cifar100: '1x3x32x32', ninapro: '1x1x52x16', darcy: '1x1x88x88' };
  const rows = shuffled(
    parseTable(read('nasbench201_pi5_runtimes.csv'), 'nasbench201_pi5_runtimes.csv'),
    randomGenerator(1),
  ).slice(0, 1000);
  const asked = rows.map((row) => ({
    row,
    features: cellFeatures(textIn(row, 'architecture'), shapes[textIn(row, 'task')] ?? '', textIn(row, 'task')),
  }));
  const lines = ['onnxruntime', 'torchmobile', 'litert'].map((runtime) => {
    const outcomes = asked.map(({ row, features }) => {
      const key = { ...predictor.card.key, runtime };
      const { joulesPerInference, transferred } = predict(predictor, features, key, { confidencePercent: 90 });
      const actual = numberIn(row, `core_energy_mj_${runtime}`) / 1000;
      const covered = joulesPerInference.lower <= actual && actual <= joulesPerInference.upper;
      return { covered, transferred, ratio: actual / joulesPerInference.estimate };
    });
    const ratios = outcomes.map(({ ratio }) => ratio).sort((a, b) => a - b);
    const covered = outcomes.filter((outcome) => outcome.covered).length / outcomes.length;
    const spread = [0.05, 0.5, 0.95].map((share) => quantile(ratios, share).toFixed(2)).join(' / ');
    return `| ${runtime} | ${outcomes[0]?.transferred ? 'yes' : 'no'} | ${spread} | ${percent(100 * covered)} |`;
  });
  return [
    '| runtime that was measured | transferred | measured ÷ predicted, p5 / median / p95 | inside the 90 % interval |',
    '|---|---|---|---|',
    ...lines,
  ].join('\n');
}

/** Every step on files: write the network, read it through the runtime, predict, compare with the measurement of the board. */
async function endToEnd(count: number, rows: readonly TrainingRow[], read: Read): Promise<string> {
  const table = parseTable(read('nasbench201_pi5_onnxruntime.csv'), 'nasbench201_pi5_onnxruntime.csv');
  const picked = shuffled(
    table.map((_, index) => index),
    randomGenerator(11),
  ).slice(0, count);
  const held = new Set(picked.map((index) => rows[index]?.architecture));
  const training = rows.filter(({ architecture }) => !held.has(architecture));
  const { model, surroundings } = fitLogModel(
    training,
    fitOptions(completePlan('raspberry-pi-5-corerail-onnxruntime', read), 'joules'),
  );
  const folder = mkdtempSync(path.join(os.tmpdir(), 'jouleops-bench-'));
  const file = path.join(folder, 'model.onnx');
  const fromFiles: { predicted: number; actual: number }[] = [];
  const fromTable: { predicted: number; actual: number }[] = [];
  for (const index of picked) {
    const row = rows[index];
    const source = table[index];
    if (!row || !source) continue;
    const [, channels = 0, height = 0, width = 0] = textIn(source, 'input_shape').split('x').map(Number);
    writeFileSync(file, nasBench201(row.architecture, { inputShape: [channels, height, width], classes: 10, seed: index }));
    const { features } = await analyzeGraph(file, { signal: new AbortController().signal });
    fromFiles.push({ predicted: evaluateLogModel(model, queryOf(surroundings, features)).value, actual: row.joules });
    fromTable.push({ predicted: evaluateLogModel(model, queryOf(surroundings, row.features)).value, actual: row.joules });
  }
  rmSync(folder, { recursive: true });
  const [files, tables] = [scoresOf(fromFiles), scoresOf(fromTable)];
  return `${fromFiles.length} networks held out with all their rows, written as ONNX files and read back through the runtime: mean error ${percent(files.meanAbsolutePercent)}, median ${percent(files.medianAbsolutePercent)}; from the table's features ${percent(tables.meanAbsolutePercent)} and ${percent(tables.medianAbsolutePercent)}.`;
}

function replaceSection(text: string, section: string, content: string): string {
  const [start, end] = [`<!-- generated: ${section} -->`, '<!-- /generated -->'];
  const from = text.indexOf(start);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`docs/energy.md has no section "${section}": put ${start} and ${end} where it belongs`);
  return `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      data: { type: 'string', default: path.join(root, '../shared/data/energy') },
      'end-to-end': { type: 'string', default: '500' },
      tried: { type: 'boolean', default: false },
    },
  });
  const read: Read = (name) => readFileSync(path.join(values.data, name), 'utf8');
  const names = Object.keys(shippedPlans) as PlanName[];
  // Read when first asked for: the cells take some seconds.
  const rows = new Map<PlanName, TrainingRow[]>();
  const rowsOf = (name: PlanName) => {
    const known = rows.get(name) ?? planRows(name, read);
    rows.set(name, known);
    return known;
  };
  const cells = () => rowsOf('raspberry-pi-5-corerail-onnxruntime');
  const fewShotBoards = (counts: readonly number[]) => {
    const [pi, jetson] = [rowsOf('raspberry-pi-5-board-pytorch'), rowsOf('jetson-nano-board-pytorch')];
    const common = { real: [...pi, ...jetson], counts, draws: 20 };
    const [piRows, jetsonRows] = [pi.filter(({ session }) => session === 'R4'), jetson.filter(({ session }) => session === 'B')];
    return [
      {
        title: 'Raspberry Pi 5 from the Jetson Nano',
        question: { ...common, source: shippedPredictor('jetson-nano-board-pytorch'), rows: piRows },
      },
      {
        title: 'Jetson Nano from the Raspberry Pi 5',
        question: { ...common, source: shippedPredictor('raspberry-pi-5-board-pytorch'), rows: jetsonRows },
      },
    ];
  };
  const sections: [string, () => string | Promise<string>][] = [
    ['scores', () => names.map((name) => scoreTable(name, rowsOf(name), read)).join('\n\n')],
    [
      'coverage',
      () =>
        [
          '| predictor | like the training networks: covered (exact 90 % interval), half-width | unlike them |',
          '|---|---|---|',
          ...names.map((name) => coverageLine(name, rowsOf(name), read)),
        ].join('\n'),
    ],
    ['few rows', () => fewRowsTable(cells(), fitOptions(completePlan('raspberry-pi-5-corerail-onnxruntime', read), 'joules'))],
    ['transfer', () => transfer(read)],
    [
      'online',
      () => {
        const options = validationOptions(completePlan('raspberry-pi-5-board-pytorch', read), 'joules', 'architecture');
        const { scored: _, ...all } = options;
        return onlineReplayTables(onlineReplay(rowsOf('raspberry-pi-5-board-pytorch'), 'R4', ['R2', 'R1'], all));
      },
    ],
    [
      'another board',
      () =>
        fewShotBoards(fewShotCounts)
          .map(({ title, question }) => fewShotTable(title, question))
          .join('\n\n'),
    ],
    ['few-shot widths', () => fewShotWidthTable(fewShotBoards([10, 20]))],
    ['hidden boards', () => hiddenBoardTable(names.map(shippedPredictor))],
    [
      'session offset',
      () =>
        sessionOffsetTable([
          { name: 'Raspberry Pi 5', rows: rowsOf('raspberry-pi-5-board-pytorch'), reference: 'R4' },
          { name: 'Jetson Nano', rows: rowsOf('jetson-nano-board-pytorch'), reference: 'B' },
        ]),
    ],
    ['end to end', () => endToEnd(Number(values['end-to-end']), cells(), read)],
    [
      'tried',
      () => {
        const boards = { 'Raspberry Pi 5': 'raspberry-pi-5-board-pytorch', 'Jetson Nano': 'jetson-nano-board-pytorch' } as const;
        const tables = Object.entries(boards).map(([title, name]) => ({
          title,
          rows: rowsOf(name),
          // Fewer folds than the scores have: every line fits them all again.
          options: [
            { ...validationOptions(completePlan(name, read), 'joules', 'architecture'), repeats: 3 },
            { ...validationOptions(completePlan(name, read), 'joules', 'family'), folds: 10 },
          ],
        }));
        return triedTable(tables, (name) => process.stderr.write(`${name}\n`));
      },
    ],
  ];
  for (const [section, make] of sections) {
    if (values.only !== undefined && values.only !== section) continue;
    if (section === 'tried' && !values.tried) continue;
    const content = await make();
    console.log(`${content}\n`);
    writeFileSync(page, replaceSection(readFileSync(page, 'utf8'), section, content));
  }
}

// The other benchmarks' runner imports every file of this folder.
if (import.meta.main) await main();
