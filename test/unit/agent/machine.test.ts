import { describe, expect, it } from 'vitest';
import { classKeyOf } from '../../../agent/class-key.ts';
import type { RunCommand } from '../../../agent/power/sources/command.ts';
import { readMachine } from '../../../agent/telemetry/machine.ts';
import { sysfsTree } from './sysfs-tree.ts';

const missing: RunCommand = () => Promise.reject(Object.assign(new Error('spawn ENOENT'), { code: 'ENOENT' }));
const mode =
  (text: string): RunCommand =>
  (file, [query]) =>
    file === 'nvpmodel' && query === '-q' ? Promise.resolve(text) : Promise.reject(new Error(`${file} is not asked here`));
const jetson = 'NVIDIA Jetson Orin Nano Developer Kit';

describe('the power mode of a board', () => {
  it.each<[string, string, RunCommand, string | undefined]>([
    ['that of a Jetson', jetson, mode('NV Power Mode: 15W\n0\n'), '15W'],
    ['that of an older one, which tells of its fan first', jetson, mode('NV Fan Mode:quiet\nNV Power Mode: MAXN\n0\n'), 'MAXN'],
    ['not known without its tool', jetson, missing, undefined],
    ['not known when its tool says something else', jetson, mode('NVPM ERROR: no config'), undefined],
    ['none on another board, which is not asked', 'Raspberry Pi 5 Model B Rev 1.0', mode('NV Power Mode: 15W'), undefined],
  ])('is %s', async (_, model, run, expected) => {
    await using tree = await sysfsTree({ 'device-tree/model': `${model}\0` });
    const machine = await readMachine({ pathSysfs: tree.root, pathProcfs: tree.root }, run);
    expect(machine.powerMode).toBe(expected);
    expect(classKeyOf(machine, '1.30.0', undefined).powerMode).toBe(expected);
  });
});
