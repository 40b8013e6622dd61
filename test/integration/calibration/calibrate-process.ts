// `jouleops calibrate` with networks of milliseconds in place of the probes, as a process that can be killed.
// Usage: calibrate-process.ts JSON-OF-FLAGS
import { type CalibrateFlags, calibrate } from '../../../cli/commands/calibrate.ts';
import { CommandError, exitCodes } from '../../../cli/exit-codes.ts';
import { nasBench201 } from '../../../energy/onnx/nas-bench-201.ts';

const cells = [
  '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|',
  '|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_1x1~2|',
  '|avg_pool_3x3~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|',
  '|skip_connect~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|',
  '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|',
];
const probes = [16, 32].flatMap((pixels) =>
  cells.map((cell, index) => ({
    name: `cell-${index}-${pixels}`,
    write: () => nasBench201(cell, { inputShape: [3, pixels, pixels], classes: 10, seed: 1 }),
  })),
);

const flags = JSON.parse(process.argv[2] ?? '{}') as CalibrateFlags;
const interrupt = new AbortController();
process.once('SIGTERM', () => interrupt.abort(new Error('interrupted')));
try {
  await calibrate(flags, interrupt.signal, probes, 'cell-0-16');
} catch (error) {
  const { message } = error as Error;
  process.stderr.write(`${message}\n${error instanceof CommandError ? `next: ${error.next}\n` : ''}`);
  process.exitCode = error instanceof CommandError ? error.exitCode : exitCodes.failed;
}
