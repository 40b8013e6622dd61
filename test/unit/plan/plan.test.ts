import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatPlanMarkdown } from '../../../cli/plan/plan-markdown.ts';
import { isYes, reportPlan } from '../../../cli/plan/plan-report.ts';
import { formatPlanText } from '../../../cli/plan/plan-text.ts';
import { criteriaHashOf, newRevision, targetRevisionOf } from '../../../controller/model-deployment/revision.ts';
import { memoryAnnotations } from '../../../controller/model-deployment/revision-memory.ts';
import type { FleetPlan } from '../../../controller/plan/fleet-plan.ts';
import { annotations as names } from '../../../crds/names.ts';
import { condition, converged, deployment, device, fleet, type Millijoules, plan, stored, version } from './planned-fleet.ts';

const millijoules: Millijoules = { 'raspberry-pi-5': 60, 'jetson-nano': 40, 'raspberry-pi-4': 200 };
const versions = [version('cell-1', 'a'), version('cell-2', 'b')];
const devices = [device('pi-1', 'raspberry-pi-5'), device('pi-2', 'raspberry-pi-5'), device('old-1', 'raspberry-pi-4')];
const nothing = fleet({ devices, versions });
const with_ = (...deployments: ReturnType<typeof deployment>[]) => fleet({ devices, versions, deployments });
const of = (made: FleetPlan, name: string) => made.deployments.find((one) => one.name === `factory/${name}`);

describe('a plan', () => {
  it('says of a new deployment where it goes and what it adds there', () => {
    const made = plan(nothing, with_(deployment('cell')), millijoules);
    const { change, after } = of(made, 'cell') ?? {};
    expect(change).toBe('Added');
    expect(after).toMatchObject({ outcome: 'Admitted', reason: 'WithinBudget', desired: 1 });
    expect(after?.placements).toMatchObject([{ device: 'pi-1', variant: 'fp32', admission: 'Direct', boundary: 'Board' }]);
    // 5/s × (60 mJ − 3 W × 1 ms)
    expect(after?.placements[0]?.watts?.estimate).toBeCloseTo(0.285, 9);
    expect(made.energy).toMatchObject([{ boundary: 'Board', idle: { watts: 6, devices: 2, unknownDevices: 1 } }]);
    expect(made.energy[0]?.after.joulesPerDay.estimate).toBeCloseTo(0.285 * 86_400, 3);
    expect(made.energy[0]?.changeWatts).toEqual(made.energy[0]?.after.watts);
  });

  it('names the number that refuses', () => {
    const made = plan(
      nothing,
      with_(deployment('cell', { budget: { energyPerInference: '50mJ', boundary: 'Board' } })),
      millijoules,
    );
    const { after } = of(made, 'cell') ?? {};
    expect(after).toMatchObject({ outcome: 'Refused', reason: 'BudgetExceededPredicted', placements: [] });
    expect(after?.message).toContain('lower bound 54.0mJ > budget 50.0mJ'.replaceAll('.0mJ', 'mJ'));
    expect(after?.misses[0]).toMatchObject({ deviceName: 'pi-1', verdict: 'ExceedsBudget' });
  });

  it('says when only a test on the device can decide', () => {
    const made = plan(
      nothing,
      with_(deployment('cell', { budget: { energyPerInference: '60mJ', boundary: 'Board' } })),
      millijoules,
    );
    expect(of(made, 'cell')?.after).toMatchObject({
      outcome: 'Canary',
      reason: 'BudgetUncertain',
      placements: [{ admission: 'Canary' }],
    });
  });

  it('tells who is short of devices, and why', () => {
    const made = plan(nothing, with_(deployment('cell', { placement: { replicas: 3 } })), millijoules);
    expect(of(made, 'cell')?.after).toMatchObject({ outcome: 'Short', message: '2 of 3 devices: 1 ExceedsBudget' });
  });

  it('tells a model that is missing from one that is refused', () => {
    const made = plan(
      nothing,
      fleet({
        devices,
        versions: [...versions, version('cut', 'c', 'False')],
        deployments: [deployment('nowhere', { modelVersionName: 'cell-9' }), deployment('damaged', { modelVersionName: 'cut' })],
      }),
      millijoules,
    );
    expect(of(made, 'nowhere')?.after).toMatchObject({ outcome: 'Unresolved', reason: 'ModelVersionNotFound' });
    expect(of(made, 'damaged')?.after).toMatchObject({ outcome: 'Unresolved' });
  });

  it('leaves where it is what may stay, though another device has become cheaper', () => {
    const before = with_(deployment('cell'));
    const cheaper = fleet({
      ...before,
      devices: [...devices, device('nano-1', 'jetson-nano')],
      classes: fleet({ devices: [...devices, device('nano-1', 'jetson-nano')] }).classes,
    });
    const made = plan(before, cheaper, millijoules);
    expect(of(made, 'cell')).toMatchObject({ change: 'Unchanged', after: { placements: [{ device: 'pi-1' }] } });
    expect(made.energy[0]?.changeWatts).toEqual({ estimate: 0, lower: 0, upper: 0 });
  });

  it('names those that nobody touched and that are affected all the same', () => {
    const capped = (watts: string) => device('pi-1', 'raspberry-pi-5', { spec: { powerCap: watts } });
    const two = [deployment('cell', { priority: 1 }), deployment('other')];
    const before = fleet({ devices: [capped('5W')], versions, deployments: two });
    const made = plan(before, fleet({ ...before, devices: [capped('3.4W')] }), millijoules);
    expect(of(made, 'cell')?.change).toBe('Unchanged');
    expect(of(made, 'other')).toMatchObject({ change: 'Affected', after: { outcome: 'Short', placements: [] } });
    expect(of(made, 'other')?.after?.misses[0]?.message).toMatch(/[\d.]+W with this model \(idle 3W, .* > cap 3\.4W/);
  });

  it('sees a model version that became another under the same name', () => {
    const before = with_(deployment('cell'));
    const made = plan(before, fleet({ ...before, versions: [version('cell-1', 'c')] }), millijoules);
    expect(of(made, 'cell')?.change).toBe('Changed');
  });

  it('keeps placements away from a device that is lost, and from one that its cluster says is not ready', () => {
    const lost = device('pi-1', 'raspberry-pi-5', { ready: condition('Ready', 'Unknown', 'AgentUnreachable') });
    const silent = device('pi-2', 'raspberry-pi-5', { ready: condition('Ready', 'False', 'AgentNotJoined') });
    const made = plan(nothing, fleet({ devices: [lost, silent], versions, deployments: [deployment('cell')] }), millijoules);
    expect(of(made, 'cell')?.after).toMatchObject({ outcome: 'Short', candidateCounts: { NotReady: 2 } });
  });

  it('remembers what its devices have rejected before, and leaves there what serves', () => {
    const asked = deployment('cell', { modelVersionName: 'cell-2' });
    const [first, second] = versions;
    if (!first || !second) throw new Error('two versions');
    const target = targetRevisionOf(asked, second);
    const rejection = {
      deviceClassName: 'raspberry-pi-5',
      criteriaHash: criteriaHashOf(asked),
      reason: 'BudgetExceededMeasured',
      message: 'measured 120mJ > budget 80mJ',
      time: '2026-11-20T00:00:00Z',
    };
    const own = newRevision(asked, target, 2);
    const annotations = { [names.rejections]: memoryAnnotations(undefined, [rejection])[names.rejections] ?? '' };
    const revisions = [stored({ ...own, metadata: { ...own.metadata, annotations } })];
    const serving = converged(with_(deployment('cell')), millijoules);
    const world = fleet({ devices, versions, deployments: [asked], revisions, instances: serving });
    const { after } = of(plan(world, world, millijoules), 'cell') ?? {};
    expect(after).toMatchObject({ outcome: 'Rejected', reason: 'RevisionRejected' });
    expect(after?.message).toContain('was rejected on raspberry-pi-5: measured 120mJ > budget 80mJ');
    expect(after?.placements).toMatchObject([{ device: 'pi-1', admission: 'Kept' }]);
    const lowered = deployment('cell', { modelVersionName: 'cell-2', budget: { energyPerInference: '1mJ', boundary: 'Board' } });
    const other = fleet({ devices, versions, deployments: [lowered], revisions, instances: serving });
    expect(of(plan(other, other, millijoules), 'cell')?.after, 'that rejection was for another budget').toMatchObject({
      outcome: 'Refused',
      reason: 'BudgetExceededPredicted',
    });
  });

  it('answers no only for what the change makes or touches', () => {
    const refused = deployment('refused', { budget: { energyPerInference: '1mJ', boundary: 'Board' } });
    const report = (made: FleetPlan) => reportPlan(made, { source: 'fleet', errors: [] });
    expect(isYes(report(plan(with_(refused), with_(refused, deployment('cell')), millijoules)))).toBe(true);
    expect(report(plan(nothing, with_(refused), millijoules)).problems).toEqual(['factory/refused']);
    expect(isYes(report(plan(with_(refused), nothing, millijoules)))).toBe(true);
  });

  it('answers no when the power of the models rises by more than was allowed', () => {
    const made = plan(with_(deployment('cell')), with_(deployment('cell', { load: { requestRate: '6/s' } })), millijoules);
    const allowing = (maximumIncreasePercent: number) =>
      reportPlan(made, { source: 'fleet', errors: [], maximumIncreasePercent });
    expect(allowing(19).increases).toEqual(['Board']);
    expect(isYes(allowing(19))).toBe(false);
    expect(isYes(allowing(21))).toBe(true);
  });
});

describe('the words of a plan', () => {
  const before = with_(deployment('grows'), deployment('goes'), deployment('stays'));
  const after = with_(
    deployment('grows', { modelVersionName: 'cell-2', placement: { replicas: 2 } }),
    deployment('stays'),
    deployment('new', { budget: { energyPerInference: '50mJ', boundary: 'Board' } }),
    deployment('tested', { budget: { energyPerInference: '60mJ', boundary: 'Board' } }),
    deployment('unknown-load', { load: {} }),
  );
  const report = reportPlan(plan(before, after, millijoules), {
    source: 'fleet, main → change',
    errors: [{ file: 'bad.yaml', line: 3, column: 7, message: 'ModelDeployment factory/bad: 80 has no unit' }],
    maximumIncreasePercent: 10,
  });
  const golden = (name: string) => path.join(import.meta.dirname, 'golden', name);

  it('are those of the golden text', async () => {
    await expect(formatPlanText(report)).toMatchFileSnapshot(golden('plan.txt'));
  });
  it('are those of the golden comment', async () => {
    await expect(formatPlanMarkdown(report)).toMatchFileSnapshot(golden('plan.md'));
  });
  it('are those of the golden JSON', async () => {
    const rounded = JSON.stringify(
      report,
      (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(9)) : value),
      2,
    );
    await expect(`${rounded}\n`).toMatchFileSnapshot(golden('plan.json.txt'));
  });

  it('cannot be turned into markup by what a manifest says', () => {
    const evil = reportPlan(plan(nothing, with_(deployment('cell', { modelVersionName: 'x' })), millijoules), {
      source: 'a <img src=x> | b',
      errors: [{ file: '`<script>`', message: '[click](https://example.org) @everyone #1 | `x` \n# title' }],
    });
    const comment = formatPlanMarkdown(evil);
    expect(comment).not.toMatch(/<img|<script|[^\\]\[click|[^\\]@everyone|^# title/m);
    expect(comment.split('\n').filter((line) => line.startsWith('| \\`'))).toHaveLength(1);
  });
});
