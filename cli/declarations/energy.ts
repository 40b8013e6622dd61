// Energy of a model: predicted, ranked, measured; and the predictors themselves.
import type { Command } from 'commander';
import { shared } from './shared-options.ts';

export function declareEnergy(program: Command, signal: AbortSignal): void {
  program
    .command('predict')
    .description('predict the energy of one inference of an ONNX model')
    .argument('<file>', 'an .onnx file')
    .addOption(shared.devices())
    .addOption(shared.boundary())
    .option('--runtime <runtime>', 'runtime it will run on (pytorch, onnxruntime); default: the predictor’s own')
    .addOption(shared.predictors())
    .addOption(shared.dimensions())
    .option('--confidence <percent>', 'of the interval', '90')
    .option('--explain', 'the share of each kind of operator', false)
    .addOption(shared.output())
    .addHelpText(
      'after',
      '\nExample:\n  jouleops predict model_store/nas-cell/1/model.onnx --device raspberry-pi-5 --boundary CoreRail',
    )
    .action(async (file, flags) => (await import('../commands/predict.ts')).predict(file, flags, signal));
  program
    .command('recommend')
    .description('rank models by predicted energy, within a budget')
    .argument('<paths...>', '.onnx files, or directories that hold some')
    .addOption(shared.devices())
    .addOption(shared.boundary())
    .option('--runtime <runtime>', 'runtime it will run on; default: the predictor’s own')
    .addOption(shared.predictors())
    .addOption(shared.dimensions())
    .option('--max-energy <energy>', 'per inference: 80mJ')
    .option('--max-latency <time>', '500ms, 0.5s')
    .option('--max-size <size>', 'of the file: 100MB')
    .option('--top <n>', 'how many per class', '10')
    .option('--plot <file>', 'write an SVG of energy against latency, or accuracy where all models declare it')
    .addOption(shared.output())
    .addHelpText(
      'after',
      '\nExit code 3 when --max-energy is given and no model is recommended for it.\n\nExample:\n  jouleops recommend model_store --device raspberry-pi-5 --boundary CoreRail --max-energy 10mJ --plot pareto.svg',
    )
    .action(async (paths, flags) => (await import('../commands/recommend.ts')).recommend(paths, flags, signal));
  program
    .command('benchmark')
    .description('measure latency and energy of a model on this machine')
    .argument('<file>', 'an .onnx file')
    .addOption(shared.simulate())
    .option('--boundary <boundary>', 'Board, Module, Package or CoreRail', 'Board')
    .option('--windows <n>', 'windows of the controlled loop, 6 or more', '6')
    .option('--window-seconds <n>', 'length of one window; 60 for meters slower than 1 Hz', '10')
    .option('--threads <n>', 'threads of the model', '1')
    .addOption(shared.pathSysfs())
    .addOption(shared.pathProcfs())
    .addOption(shared.output())
    .addHelpText('after', '\nExample:\n  jouleops benchmark model_store/nas-cell/1/model.onnx --simulate raspberry-pi-5')
    .action(async (file, flags) => (await import('../commands/benchmark.ts')).benchmark(file, flags, signal));
  program
    .command('calibrate')
    .description('measure probe networks on this machine and make a predictor for it')
    .option('--class <name>', 'device class; default: what this machine is recognised as')
    .option(
      '--out <dir>',
      'where measurements, predictor and DeviceClass are written; a run that was ended goes on from there',
      'calibration',
    )
    .option('--boundary <boundary>', 'Board, Module, Package or CoreRail; default: the widest that is measured')
    .option('--listen <address:port>', 'take what another program measures, by POST /telemetry')
    .addOption(shared.simulate())
    .option('--misfit <seed>', 'simulate another board: other hidden costs, efficiency by layer, throttling, power in steps')
    .option(
      '--from <predictors...>',
      'predictors to take proportions between costs from; default: the most alike of those that ship',
    )
    .option('--windows <n>', 'least windows of a probe', '4')
    .option('--window-seconds <n>', 'length of one window; three times as long for meters slower than 1 Hz', '10')
    .option('--threads <n>', 'threads of the probes', '1')
    .option('--accept-drift', 'go on though the anchor moved, and say so on the card', false)
    .option('--restart', 'forget what was measured before', false)
    .addOption(shared.pathSysfs())
    .addOption(shared.pathProcfs())
    .addOption(shared.output())
    .addHelpText(
      'after',
      `
It takes about half an hour, an hour with a slow meter. The machine should do nothing else.

Exit code 3 when the board drifts, when too few probes can be measured, or when --out holds measurements of another board.

Example:
  jouleops calibrate --class my-board --out calibration
  jouleops predict model.onnx --device my-board --predictors calibration`,
    )
    .action(async (flags) => (await import('../commands/calibrate.ts')).calibrate(flags, signal));
  program
    .command('train')
    .description('train the predictors that ship again from their measurement tables')
    .requiredOption('--data <dir>', 'directory with the tables that data/manifests describes')
    .requiredOption('--out <dir>', 'where NAME.json is written')
    .option('--only <names...>', 'these predictors; default: all')
    .option('--replace', 'overwrite a predictor of the same version that has other contents', false)
    .addOption(shared.output())
    .addHelpText('after', '\nExample:\n  jouleops train --data tables --out trained --only raspberry-pi-5-board-pytorch')
    .action(async (flags) => (await import('../commands/train.ts')).train(flags, signal));
}
