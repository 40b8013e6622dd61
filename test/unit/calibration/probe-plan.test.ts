import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ProbePlan, progressOf, type StepResult } from '../../../energy/calibration/probe-plan.ts';

const probes = Array.from({ length: 12 }, (_, index) => `probe-${index}`);
const plan: ProbePlan = { probes, anchor: 'anchor', perBlock: 5, driftGate: 0.03, acceptDrift: false };

/** Measures what the plan asks for until it stops; `levelAt` is the board's log level at each measurement. */
function run(levelAt: (step: number) => number, of: ProbePlan = plan) {
  const results: StepResult[] = [];
  for (;;) {
    const progress = progressOf(of, results);
    const { next } = progress;
    if (next.kind !== 'Measure' || results.length > 100) return { ...progress, results };
    results.push({ probe: next.probe, measured: { log: levelAt(results.length), logVariance: 1e-6 } });
  }
}

describe('the order in which probes are measured', () => {
  it('is the anchor, five probes, the anchor again, to the end', () => {
    const { next, results } = run(() => 0);
    expect(next.kind).toBe('Finished');
    expect(results.map(({ probe }) => probe)).toEqual([
      'anchor',
      ...probes.slice(0, 5),
      'anchor',
      ...probes.slice(5, 10),
      'anchor',
      ...probes.slice(10),
      'anchor',
    ]);
  });

  it('says how much is left, one less after every measurement', () => {
    const results: StepResult[] = [];
    for (let left = 16; left > 0; left -= 1) {
      const { next, remaining } = progressOf(plan, results);
      expect(remaining).toBe(left);
      if (next.kind === 'Measure') results.push({ probe: next.probe, measured: { log: 0, logVariance: 1e-6 } });
    }
    expect(progressOf(plan, results)).toMatchObject({ next: { kind: 'Finished' }, remaining: 0 });
  });

  it('goes on where it was, from whatever was measured', () => {
    const { results } = run((step) => (step > 5 && step < 14 ? 0.1 : 0));
    fc.assert(
      fc.property(fc.nat(results.length - 1), (count) => {
        const { next } = progressOf(plan, results.slice(0, count));
        expect(next).toMatchObject({ kind: 'Measure', probe: results[count]?.probe });
      }),
    );
  });

  it('refuses measurements of another plan', () => {
    expect(() => progressOf(plan, [{ probe: 'stranger' }])).toThrow('another plan');
  });
});

describe('the gate on drift', () => {
  it('asks the anchor once more before it believes in a drift', () => {
    const { next, results } = run((step) => (step === 6 ? 0.2 : 0));
    expect(next.kind).toBe('Finished');
    expect(results.slice(6, 8).map(({ probe }) => probe)).toEqual(['anchor', 'anchor']);
  });

  it('measures the five probes again whose anchors moved, and counts only the second time', () => {
    const { next, results, accepted, drifts } = run((step) => (step >= 3 && step <= 7 ? 0.1 : 0));
    expect(next.kind).toBe('Finished');
    const names = accepted.map((index) => results[index]?.probe);
    expect(names.filter((name) => name === 'anchor')).toHaveLength(4);
    expect(names.filter((name) => name !== 'anchor')).toEqual(probes);
    expect(accepted).not.toContain(1);
    expect(Math.max(...drifts)).toBeCloseTo(0.1);
  });

  it('gives up on a board that stays moved, and names the probes and the percentage', () => {
    const { next } = run((step) => (step > 2 ? Math.log(1.08) : 0));
    expect(next).toMatchObject({ kind: 'Drifted', block: 0, probes: probes.slice(0, 5) });
    expect(next.kind === 'Drifted' && next.driftPercent).toBeCloseTo(8);
  });

  it('goes on with a moved board when somebody accepts that, and remembers which probes it is about', () => {
    const { next, driftAccepted } = run((step) => (step > 2 ? 0.08 : 0), { ...plan, acceptDrift: true });
    expect(next.kind).toBe('Finished');
    expect(driftAccepted).toEqual(probes);
  });

  it('lets somebody accept the drift after the run has ended for it', () => {
    const stopped = run((step) => (step > 2 ? 0.08 : 0));
    const { next, remaining } = progressOf({ ...plan, acceptDrift: true }, stopped.results);
    expect(next).toMatchObject({ kind: 'Measure', probe: 'probe-5' });
    expect(remaining).toBe(9);
  });

  it('takes a difference within the noise of the meter for none', () => {
    const results: StepResult[] = [];
    for (;;) {
      const { next } = progressOf(plan, results);
      if (next.kind !== 'Measure') {
        expect(next.kind).toBe('Finished');
        break;
      }
      results.push({ probe: next.probe, measured: { log: results.length % 2 === 0 ? 0.05 : 0, logVariance: 0.002 } });
    }
  });

  it('stops when the anchor cannot be measured', () => {
    expect(progressOf(plan, [{ probe: 'anchor' }]).next.kind).toBe('NoAnchor');
  });

  it('leaves a probe out that cannot be measured, and goes on', () => {
    const results: StepResult[] = [{ probe: 'anchor', measured: { log: 0, logVariance: 1e-6 } }, { probe: 'probe-0' }];
    expect(progressOf(plan, results).next).toMatchObject({ kind: 'Measure', probe: 'probe-1' });
  });
});
