// What the agent says of its board: throttled, hot, its clock. What nothing tells is not known, never fine.
import { afterEach, describe, expect, it } from 'vitest';
import type { RunCommand } from '../../../agent/power/sources/command.ts';
import { Telemetry } from '../../../agent/telemetry/telemetry.ts';
import { ThrottleReader } from '../../../agent/telemetry/throttling.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { sysfsTree, type Tree } from './sysfs-tree.ts';

const noCommand: RunCommand = () => Promise.reject(Object.assign(new Error('no such command'), { code: 'ENOENT' }));

let tree: Tree | undefined;
afterEach(async () => tree?.[Symbol.asyncDispose]());

async function healthOf(
  files: Record<string, string>,
  { run = noCommand, isRaspberryPi = false }: { run?: RunCommand; isRaspberryPi?: boolean } = {},
) {
  tree = await sysfsTree(files);
  const { root } = tree;
  const throttling = new ThrottleReader({ pathSysfs: root, isRaspberryPi }, { run });
  const options = { pathSysfs: root, pathProcfs: root, pathRun: root, artifactDirectory: root, intervalSeconds: 5 };
  const telemetry = new Telemetry(options, { clock: new FakeClock(), throttling });
  await telemetry.refresh();
  return telemetry.health;
}

const temperature = { 'class/thermal/thermal_zone0/type': 'cpu-thermal', 'class/thermal/thermal_zone0/temp': '61500' };
const cooler = (type: string, state: number) => ({
  ...temperature,
  'class/thermal/cooling_device0/type': type,
  'class/thermal/cooling_device0/cur_state': String(state),
});

describe('whether heat slows the board down', () => {
  it('is not known from a temperature alone', async () => {
    const health = await healthOf(temperature);
    expect(health).toMatchObject({ throttled: [] });
    expect(health).not.toHaveProperty('thermalPressure');
  });

  it.each([
    ['a processor that the kernel holds back', 'cpufreq-cpu0', 2, true],
    ['the same by its older name', 'thermal-cpufreq-0', 1, true],
    ['the same of ACPI', 'Processor', 3, true],
    ['a Jetson that gives the alarm', 'gpu-throttle-alert', 1, true],
    ['a processor that may run as fast as it can', 'cpufreq-cpu0', 0, false],
    ['a fan, which slows nothing down', 'pwm-fan', 3, undefined],
  ])('is told by %s', async (_, type, state, expected) => {
    const health = await healthOf(cooler(type, state));
    expect(health.thermalPressure).toBe(expected);
    expect(health.throttled).toEqual(expected ? ['thermal'] : []);
  });

  it('is told by the firmware of a Raspberry Pi 4', async () => {
    const health = await healthOf({ 'devices/platform/soc/soc:firmware/get_throttled': '50005' });
    expect(health).toMatchObject({ throttled: ['undervoltage', 'throttled'], thermalPressure: true });
  });

  it('is told by the tool of a Raspberry Pi 5, which has no such file', async () => {
    const run: RunCommand = (file, args) =>
      file === 'vcgencmd' && args[0] === 'get_throttled' ? Promise.resolve('throttled=0x80008\n') : Promise.reject(new Error());
    expect(await healthOf(temperature, { run, isRaspberryPi: true })).toMatchObject({
      throttled: ['soft-temperature-limit'],
      thermalPressure: true,
    });
  });

  it('is not known when that tool says something else, or is asked of another board', async () => {
    const run: RunCommand = () => Promise.resolve('error=1 error_msg="Command not registered"');
    expect(await healthOf(temperature, { run, isRaspberryPi: true })).not.toHaveProperty('thermalPressure');
    await tree?.[Symbol.asyncDispose]();
    const answer: RunCommand = () => Promise.resolve('throttled=0x0');
    expect(await healthOf(temperature, { run: answer })).not.toHaveProperty('thermalPressure');
  });

  it('is not asked for ever of a tool that is not there', async () => {
    tree = await sysfsTree({});
    let asked = 0;
    const run: RunCommand = (...call) => {
      asked++;
      return noCommand(...call);
    };
    const reader = new ThrottleReader({ pathSysfs: tree.root, isRaspberryPi: true }, { run });
    for (let time = 0; time < 10; time++) await reader.read();
    expect(asked).toBe(3);
  });
});

describe('whether the clock is right', () => {
  it.each([
    ['told by a time daemon that has had an answer', { 'systemd/timesync/synchronized': '' }, true],
    ['told by one that still waits for its first', { 'systemd/timesync/other': '' }, false],
    ['not known without one', {}, undefined],
  ])('is %s', async (_, files, expected) => expect((await healthOf(files)).clockSynchronized).toBe(expected));
});
