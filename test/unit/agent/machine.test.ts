import { describe, expect, it } from 'vitest';
import { classKeyOf } from '../../../agent/class-key.ts';
import type { RunCommand } from '../../../agent/power/sources/command.ts';
import { memoryForModels } from '../../../agent/start/memory-limit.ts';
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

describe('the memory that models may take', () => {
  const gibibyte = 2 ** 30;
  it.each<[string, number | undefined, number | undefined, number]>([
    ['three quarters of the machine’s', undefined, undefined, 6],
    ['three quarters of what its container may take', undefined, 2 * gibibyte, 1.5],
    ['the machine’s where a container has no limit', undefined, 2 ** 63, 6],
    ['the machine’s where the system does not say', undefined, 0, 6],
    ['what the operator says', 7 * gibibyte, 2 * gibibyte, 7],
  ])('is %s', (_, ordered, container, expected) =>
    expect(memoryForModels(ordered, 8 * gibibyte, container)).toBe(expected * gibibyte),
  );
});
