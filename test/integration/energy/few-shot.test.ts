import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePredictor } from '../../../energy/prediction/predictor.ts';
import { type PlanName, shippedPlans } from '../../../energy/prediction/training/plans.ts';
import { completePlan, planRows } from '../../../energy/prediction/training/ship.ts';
import { validationOptions } from '../../../energy/prediction/training/train.ts';
import { fewShot } from '../../bench/energy/few-shot.ts';
import { onlineReplay } from '../../bench/energy/online-replay.ts';
import { sessionOffsets } from '../../bench/energy/session-offset.ts';

const root = path.join(import.meta.dirname, '../../..');
const tables = path.join(root, '../shared/data/energy');
const read = (name: string) => readFileSync(path.join(tables, name), 'utf8');
const [pi, jetson] = ['raspberry-pi-5-board-pytorch', 'jetson-nano-board-pytorch'] as const satisfies readonly PlanName[];
const shipped = (name: PlanName) => parsePredictor(readFileSync(path.join(root, `data/predictors/${name}.json`), 'utf8'));
const missing = shippedPlans[pi].files.find((file) => !existsSync(path.join(tables, file)));

// The measurements are not part of this repository; data/manifests says what they are.
describe.skipIf(missing !== undefined)(
  `few measurements on another board${missing ? ` (skipped: ${tables}/${missing} is not there)` : ''}`,
  () => {
    it('predict the Raspberry Pi 5 from the Jetson Nano within 15.5 % with ten, within 9 % with twenty', () => {
      const [piRows, jetsonRows] = [planRows(pi, read), planRows(jetson, read)];
      const scores = fewShot({
        source: shipped(jetson),
        rows: piRows.filter(({ session }) => session === 'R4'),
        real: [...piRows, ...jetsonRows],
        counts: [10, 20],
        draws: 10,
      });
      const [ten, twenty] = scores.map(({ errors }) => errors);
      expect(ten?.calibrated).toBeLessThanOrEqual(15.5);
      expect(twenty?.calibrated).toBeLessThanOrEqual(9);
      for (const errors of [ten, twenty]) {
        expect(errors?.calibrated).toBeLessThan(errors?.['from scratch'] ?? 0);
        expect(errors?.calibrated).toBeLessThan(errors?.['source × constant'] ?? 0);
        expect(errors?.calibrated).toBeLessThan(errors?.['random choice'] ?? 0);
      }
      for (const score of scores) expect(score.covered).toBeGreaterThan(0.86);
      expect(scores[0]?.halfWidthFactor).toBeLessThan(1.5);
      expect(scores[1]?.halfWidthFactor).toBeLessThan(1.4);
    }, 60_000);

    it('bring a campaign back that is off by more than a third', () => {
      const scores = sessionOffsets(planRows(pi, read), 'R4', [1]);
      const far = scores.find(({ session }) => session === 'R1');
      expect(far?.asTrained).toBeGreaterThan(30);
      expect(far?.scalar).toBeLessThan(14);
      expect(far?.learned).toBeLessThan(14);
    }, 30_000);

    it('are learned from as they come: a later campaign of the Raspberry Pi 5 streams past a predictor of an earlier one', () => {
      const { scored: _, ...options } = validationOptions(completePlan(pi, read), 'joules', 'architecture');
      const scores = onlineReplay(planRows(pi, read), 'R4', ['R2', 'R1'], options);
      const [later, far] = scores.map(({ spans }) => spans.filter(({ first }) => first >= 3));
      expect(scores[0]).toMatchObject({ to: 'R2', streamed: 30, isUnseen: true });
      expect([later?.length, far?.length]).toEqual([3, 2]);
      for (const span of [...(later ?? []), ...(far ?? [])]) {
        expect(span.calibratedPercent).toBeLessThan(span.rawPercent);
        expect(span.covered).toBeGreaterThan(span.coveredRaw);
        expect(span.covered).toBeGreaterThan(0.82);
      }
      for (const { rawPercent, calibratedPercent } of far ?? []) expect(calibratedPercent).toBeLessThan(rawPercent / 2.5);
    }, 60_000);
  },
);
