import { describe, expect, it } from 'vitest';
import { type CalibrationRecord, type CalibrationStep, recordFormat } from '../../../agent/calibration/calibration-record.ts';
import { progressOfRecord, withoutFailedAnchor } from '../../../agent/calibration/run-calibration.ts';

const probes = ['a', 'b', 'c', 'd', 'e', 'f'];

function measured(probe: string, joules = 1): CalibrationStep {
  const noise = { joulesLogVariance: 1e-6, secondsLogVariance: 1e-6 };
  const outcome = { kind: 'Measured' as const, joules, seconds: 0.01, ...noise, windows: 4, inferences: 400 };
  return { probe, time: '2026-11-21T12:00:00.000Z', outcome };
}

function failed(probe: string): CalibrationStep {
  const outcome = { kind: 'LeftOut' as const, reason: 'MeterGaps' as const, message: 'the meter answered in 2 of 12 windows' };
  return { probe, time: '2026-11-21T12:00:00.000Z', outcome };
}

function recordOf(...steps: CalibrationStep[]): CalibrationRecord {
  const setup = {
    deviceClass: 'my-board',
    key: {},
    boardModel: 'My Board',
    simulated: false,
    boundary: 'Board' as const,
    source: 'meter',
    threads: 1,
    probes,
    anchor: 'anchor',
  };
  return { format: recordFormat, startTime: '2026-11-21T12:00:00.000Z', setup, steps, features: {} };
}

const block = probes.slice(0, 5).map((probe) => measured(probe));

describe('a calibration that is started again', () => {
  it('tries an anchor again that could not be measured, and keeps what was measured before it', () => {
    const stopped = recordOf(measured('anchor'), ...block, failed('anchor'), failed('anchor'));
    expect(progressOfRecord(stopped, false).next.kind).toBe('NoAnchor');
    const again = withoutFailedAnchor(stopped);
    expect(again.steps).toEqual(stopped.steps.slice(0, 6));
    expect(progressOfRecord(again, false).next).toMatchObject({ kind: 'Measure', probe: 'anchor', isAnchor: true, attempt: 1 });
  });

  it('begins anew when it was the very first', () => {
    expect(withoutFailedAnchor(recordOf(failed('anchor'))).steps).toEqual([]);
  });

  it('keeps a failure that it could go on from', () => {
    for (const record of [
      recordOf(measured('anchor'), ...block, failed('anchor')),
      recordOf(measured('anchor'), ...block.slice(0, 2), failed('c')),
      recordOf(measured('anchor'), ...block, failed('anchor'), measured('anchor')),
    ])
      expect(withoutFailedAnchor(record)).toBe(record);
  });

  it('does not forget that the anchor moved', () => {
    const moved = measured('anchor', 1.1);
    const record = recordOf(measured('anchor'), ...block, moved, moved, ...block, moved, moved);
    expect(progressOfRecord(record, false).next.kind).toBe('Drifted');
    expect(withoutFailedAnchor(record)).toBe(record);
  });
});
