import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { CalibrationRecord, CalibrationStep } from '../../../agent/calibration/calibration-record.ts';
import type { CalibrateFlags } from '../../../cli/commands/calibrate.ts';
import { ArtifactStore } from '../../../controller/artifacts/store.ts';
import { createStoreOrigin } from '../../../controller/artifacts/store-origin.ts';
import { PredictorLibrary } from '../../../controller/device-class/predictor-library.ts';
import type { DeviceClass } from '../../../crds/device-class.ts';
import { digestOf } from '../../../crds/digest.ts';
import { parsePredictor } from '../../../energy/prediction/predictor.ts';
import { jouleops } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { anchorName, smallProbes } from './small-probes.ts';

const entry = fileURLToPath(new URL('calibrate-process.ts', import.meta.url));
const model = path.join(import.meta.dirname, '../agent/fixtures/classifier.onnx');
const limitSeconds = 240;

let directory: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-calibrate-'));
});

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

function start(flags: Partial<CalibrateFlags>) {
  const all: CalibrateFlags = {
    out: path.join(directory, 'out'),
    windows: '2',
    windowSeconds: '0.2',
    threads: '1',
    acceptDrift: true,
    restart: false,
    pathSysfs: '/nonexistent',
    pathProcfs: '/proc',
    output: 'json',
    ...flags,
  };
  const child = spawn(process.execPath, ['--no-warnings', entry, JSON.stringify(all)], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const streams = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    streams.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    streams.stderr += text;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => {
      running.delete(child);
      resolve({ code, ...streams });
    });
  });
  return { child, ended };
}

const recordFile = () => path.join(directory, 'out', 'raspberry-pi-4-simulated-board.measurements.json');
const record = async () => JSON.parse(await readFile(recordFile(), 'utf8')) as CalibrationRecord;

function measuredStep(probe: string, joules: number): CalibrationStep {
  const noise = { joulesLogVariance: 1e-6, secondsLogVariance: 1e-6 };
  const outcome = { kind: 'Measured' as const, joules, seconds: 0.01, ...noise, windows: 4, inferences: 400 };
  return { probe, time: '2026-11-21T12:00:00.000Z', outcome };
}

/** As if all but the last probe and anchor had been measured before the kill, each by its multiply–adds. */
function nearlyDone(before: CalibrationRecord): CalibrationRecord {
  const featuresOf = new Map(smallProbes.map((probe) => [probe.name, probe.features()]));
  const macs = (name: string) => featuresOf.get(name)?.macs ?? 0;
  const [anchor] = before.steps;
  if (anchor?.outcome.kind !== 'Measured') throw new Error('the anchor was not measured');
  const perMac = anchor.outcome.joules / macs(anchorName);
  const others = smallProbes.map(({ name }) => name).filter((name) => name !== anchorName);
  const order = [anchorName, ...others.slice(0, 5), anchorName, ...others.slice(5, -1)];
  const added = order.slice(before.steps.length).map((name) => measuredStep(name, perMac * macs(name)));
  // Windows of a fifth of a second on a busy machine are no measurements to judge a drift by.
  const noisy: CalibrationStep = { ...anchor, outcome: { ...anchor.outcome, joulesLogVariance: 0.25 } };
  return {
    ...before,
    steps: [noisy, ...before.steps.slice(1), ...added],
    features: { ...Object.fromEntries(featuresOf), ...before.features },
  };
}

/** Changes what was measured, as another day would. */
async function rewrite(
  out: string,
  change: ((step: CalibrationStep) => CalibrationStep | undefined) | undefined,
  steps?: readonly CalibrationStep[],
): Promise<void> {
  const file = path.join(out, path.basename(recordFile()));
  const before = JSON.parse(await readFile(file, 'utf8')) as CalibrationRecord;
  const after = steps ?? before.steps.map((step) => change?.(step) ?? step);
  await writeFile(file, JSON.stringify({ ...before, steps: after }));
}

describe('jouleops calibrate', () => {
  const simulated = { simulate: 'raspberry-pi-4' };

  it(
    'goes on after kill -9 where it was, and writes a predictor and the class that uses it',
    async () => {
      await rm(path.join(directory, 'out'), { recursive: true, force: true });
      const first = start(simulated);
      await eventually(async () => expect((await record()).steps.length).toBeGreaterThanOrEqual(2), 60);
      first.child.kill('SIGKILL');
      await first.ended;
      const before = nearlyDone(await record());
      await writeFile(recordFile(), JSON.stringify(before));

      const { code, stdout, stderr } = await start(simulated).ended;
      expect([code, stderr]).toEqual([0, expect.stringContaining(`going on after ${before.steps.length} measurements`)]);
      const after = await record();
      expect(after.steps.slice(0, before.steps.length)).toEqual(before.steps);
      expect(after.steps.length).toBeGreaterThan(before.steps.length);
      expect(after.startTime).toBe(before.startTime);
      expect(await readdir(path.join(directory, 'out'))).toEqual(
        [
          'raspberry-pi-4-simulated-board.measurements.json',
          'raspberry-pi-4-simulated-board-onnxruntime-calibrated.json',
          'raspberry-pi-4-simulated-board-onnxruntime-calibrated.yaml',
        ].toSorted(),
      );
      expect(JSON.parse(stdout)).toMatchObject({
        predictor: 'raspberry-pi-4-simulated-board-onnxruntime-calibrated@1',
        deviceClass: 'raspberry-pi-4-simulated',
        simulated: true,
        probes: 10,
        leftOut: [],
      });
    },
    limitSeconds * 1000,
  );

  it('writes a card that says what was measured on what, and a class with the digest of the file', async () => {
    const file = path.join(directory, 'out', 'raspberry-pi-4-simulated-board-onnxruntime-calibrated.json');
    const text = await readFile(file, 'utf8');
    const { card } = parsePredictor(text);
    expect(card).toMatchObject({
      boundary: 'Board',
      quantity: 'Active',
      key: { board: 'raspberry-pi-4', runtime: 'onnxruntime', threads: 1, spinning: false, precision: 'fp32' },
      calibration: { meter: 'simulated:board', simulated: true, anchor: { probe: 'cell-0-16' } },
      rows: 10,
    });
    const { spec } = parse(await readFile(file.replace(/json$/, 'yaml'), 'utf8')) as DeviceClass;
    expect(spec.predictors?.[0]).toMatchObject({
      boundary: 'Board',
      digest: digestOf(text),
    });
    expect(spec.idlePower?.[0]).toMatchObject({ boundary: 'Board', source: expect.stringContaining('simulated') as string });
  });

  it('makes a predictor that a controller loads from its model store', async () => {
    const name = 'raspberry-pi-4-simulated-board-onnxruntime-calibrated';
    const root = path.join(directory, 'model-store');
    await mkdir(path.join(root, 'predictors', '1'), { recursive: true });
    await copyFile(path.join(directory, 'out', `${name}.json`), path.join(root, 'predictors', '1', `${name}.json`));
    const library = new PredictorLibrary({
      predictorDirectory: root,
      artifacts: await ArtifactStore.open({
        directory: path.join(directory, 'artifacts'),
        quotaBytes: 1e8,
        referenced: () => new Set(),
      }),
      origins: [createStoreOrigin(root)],
    });
    const deviceClass = parse(await readFile(path.join(directory, 'out', `${name}.yaml`), 'utf8')) as DeviceClass;
    const { loaded } = await library.load(deviceClass, AbortSignal.timeout(10_000));
    expect(loaded).toEqual([{ reference: deviceClass.spec.predictors?.[0] }]);
    expect(library.of('raspberry-pi-4-simulated')[0]).toMatchObject({ name, version: 1 });
  });

  it('makes a predictor that jouleops predict answers with', async () => {
    const args = ['predict', model, '--predictors', path.join(directory, 'out'), '--device', 'raspberry-pi-4-simulated'];
    const { code, stdout } = await jouleops([...args, '--output', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      predictor: 'raspberry-pi-4-simulated-board-onnxruntime-calibrated@1',
      transferred: false,
      boundary: 'Board',
    });
  });

  it('gives the same measurements the same version, and others the next', async () => {
    const out = path.join(directory, 'again');
    await cp(path.join(directory, 'out'), out, { recursive: true });
    const versionOf = async () =>
      (JSON.parse((await start({ ...simulated, out }).ended).stdout) as { predictor: string }).predictor;
    expect(await versionOf()).toMatch(/@1$/);
    await rewrite(out, ({ outcome, ...step }) =>
      outcome.kind === 'Measured' ? { ...step, outcome: { ...outcome, joules: 1.2 * outcome.joules } } : undefined,
    );
    expect(await versionOf()).toMatch(/@2$/);
  }, 40_000);

  it('refuses a board whose anchor moves twice in a row, and names probes and percentage', async () => {
    const out = path.join(directory, 'drifted');
    await cp(path.join(directory, 'out'), out, { recursive: true });
    const block = ['cell-1-16', 'cell-2-16', 'cell-3-16', 'cell-4-16', 'cell-0-32'].map((probe) => measuredStep(probe, 1));
    const moved = Array.from({ length: 2 }, () => measuredStep('cell-0-16', 1.1));
    await rewrite(out, undefined, [measuredStep('cell-0-16', 1), ...block, ...moved, ...block, ...moved]);
    const { code, stderr } = await start({ ...simulated, out, acceptDrift: false }).ended;
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(
        /the board drifts: after cell-1-16, .*cell-0-32 the anchor cell-0-16 needed 10\.0 %.*--accept-drift/s,
      ),
    ]);
  });

  it('does not mix the measurements of two boards', async () => {
    const { code, stderr } = await start({ ...simulated, threads: '2' }).ended;
    expect([code, stderr]).toEqual([3, expect.stringMatching(/begun with threads 1, this run has 2\n.*--restart/s)]);
  });

  it('takes what another program measures', async () => {
    const pushes = start({ listen: '127.0.0.1:0', class: 'my-board', out: path.join(directory, 'pushed') });
    let stderr = '';
    pushes.child.stderr.on('data', (text: string) => {
      stderr += text;
    });
    const url = await eventually(() => {
      const found = /(http:\S+\/telemetry)/.exec(stderr)?.[1];
      if (found === undefined) throw new Error(`no address yet: ${stderr}`);
      return Promise.resolve(found);
    });
    const body = JSON.stringify({ source: 'fnb58', boundary: 'Board', energy_j: 2 });
    await eventually(async () => {
      expect((await fetch(url, { method: 'POST', body })).status).toBe(202);
      expect(stderr).toContain('anchor cell-0-16');
    }, 20);
    pushes.child.kill('SIGTERM');
    expect((await pushes.ended).code).toBe(1);
  }, 40_000);

  it('says what it looked for on a machine without a meter', async () => {
    const { code, stderr } = await jouleops(['calibrate', '--path-sysfs', '/nonexistent', '--out', path.join(directory, 'none')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no power source was found.*looked for \/nonexistent\/class\/powercap.*next: .*--listen/s);
  });

  it('refuses a damaged record by its name', async () => {
    const out = path.join(directory, 'damaged');
    await jouleops(['calibrate', '--path-sysfs', '/nonexistent', '--out', out]);
    await writeFile(path.join(out, 'raspberry-pi-4-simulated-board.measurements.json'), '{"format": "other"}');
    const { code, stderr } = await start({ ...simulated, out }).ended;
    expect([code, stderr]).toEqual([
      3,
      expect.stringContaining('raspberry-pi-4-simulated-board.measurements.json has format "other"'),
    ]);
  });

  it.each([
    ['--window-seconds', '0'],
    ['--threads', '2.5'],
    ['--windows', '4.5'],
    ['--boundary', 'Desk'],
    ['--simulate', 'toaster'],
    ['--misfit', '1'],
    ['--listen', 'nowhere'],
    ['--class', 'My Board'],
    ['--from', 'guesswork'],
  ])('refuses %s %s as wrong usage', async (flag, value) => {
    const { code, stderr } = await jouleops(['calibrate', '--out', path.join(directory, 'usage'), flag, value]);
    expect(code).toBe(2);
    expect(stderr).toContain('next:');
  });
});
