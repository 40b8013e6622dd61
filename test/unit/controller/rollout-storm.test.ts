// Rollouts through the planner alone, in any order of releases, losses, reports and passes: what the storm of real processes
// (test/e2e/chaos) meets by chance is met here thousands of times, and the same each time.
import { describe, expect, it } from 'vitest';
import { readRolloutState } from '../../../controller/model-deployment/revision-memory.ts';
import { seededRandom } from '../../support/faults/random.ts';
import type { StubModel } from '../../support/stub-agent.ts';
import { PlannedFleet } from './planned-fleet.ts';

const good: StubModel = { joules: { value: 0.03, lower: 0.0297, upper: 0.0303 } };
const flaws: readonly StubModel[] = [
  { ...good, errors: 200 },
  { joules: { value: 0.034, lower: 0.0337, upper: 0.0343 } },
  { failure: { reason: 'LoadFailed', message: 'no such operator' } },
];
const devices = { 'a-1': 'a', 'a-2': 'a', 'a-3': 'a', 'b-1': 'b', 'b-2': 'b' };
const names = Object.keys(devices) as (keyof typeof devices)[];
const prediction = { joules: [0.03, 0.025, 0.04] as [number, number, number] };

class Storm {
  readonly fleet: PlannedFleet;
  readonly #random: () => number;
  readonly #whole: Map<string, NonNullable<ReturnType<PlannedFleet['devices']['get']>>>;
  /** By version: what is wrong with it on a class. */
  readonly #flaws = new Map<string, Partial<Record<string, StubModel>>>();
  #damaged: string | undefined;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const steps = this.#random() < 0.5 ? [{ devices: 1 }, { percent: 100 }] : [];
    this.fleet = new PlannedFleet({
      spec: { rollout: { analysis: {}, steps } },
      devices,
      predictions: { a: prediction, b: prediction },
    });
    this.#whole = new Map(this.fleet.devices);
    this.fleet.behave = (slot, deviceName) => {
      if (this.#damaged === deviceName) return { failure: { reason: 'DigestMismatch', message: 'nothing was kept' } };
      return this.#flaws.get(slot.modelVersionName)?.[deviceName.charAt(0)] ?? good;
    };
    this.fleet.settle();
  }

  isFlawed(version: string | undefined, className: string): boolean {
    return version !== undefined && this.#flaws.get(version)?.[className] !== undefined;
  }

  outcomeOf(version: string): string | undefined {
    const revision = this.fleet.revisions.find(
      ({ data }) => (data as { modelVersionName?: string }).modelVersionName === version,
    );
    return readRolloutState(revision)?.outcome;
  }

  /** One thing that may happen. */
  step(release: number): void {
    const { fleet } = this;
    const what = this.#random();
    const name = names[Math.floor(this.#random() * names.length)] ?? 'a-1';
    const back = this.#whole.get(name);
    if (what < 0.08) this.#release(`cell-${release}`);
    else if (what < 0.2) fleet.lose(name);
    else if (what < 0.35 && back) fleet.devices.set(name, back);
    else if (what < 0.42) this.#damaged = this.#random() < 0.5 ? name : undefined;
    else if (what < 0.5) fleet.now += 61_000;
    else if (what < 0.75) fleet.report();
    else fleet.pass();
  }

  calm(): void {
    this.#damaged = undefined;
    for (const [name, device] of this.#whole) this.fleet.devices.set(name, device);
    this.fleet.settle();
    this.fleet.now += 61_000;
    this.fleet.settle();
  }

  #release(version: string): void {
    const flaw = flaws[Math.floor(this.#random() * flaws.length)] ?? good;
    const where = this.#random();
    this.#flaws.set(version, where < 0.4 ? {} : where < 0.6 ? { a: flaw } : where < 0.8 ? { b: flaw } : { a: flaw, b: flaw });
    this.fleet.ask(this.fleet.release(version, (this.#flaws.size % 10).toString()));
  }
}

describe.each(Array.from({ length: 8 }, (_, part) => part))('part %i of the storms', (part) => {
  it('no device is given a model that its class must reject, and calm leaves no device behind its class', () => {
    for (let seed = part * 25 + 1; seed <= (part + 1) * 25; seed++) {
      const storm = new Storm(seed);
      const { fleet } = storm;
      const flawed = () => names.filter((name) => storm.isFlawed(fleet.slots(name).active, devices[name]));
      for (let step = 0; step < 120; step++) {
        storm.step(step + 2);
        expect(flawed(), `seed ${seed}, step ${step}`).toEqual([]);
      }
      storm.calm();
      expect(flawed(), `seed ${seed}, calm`).toEqual([]);
      const asked = fleet.deployment.spec.modelVersionName;
      for (const className of ['a', 'b']) {
        const served = new Set(
          names.filter((name) => devices[name] === className).flatMap((name) => fleet.slots(name).active ?? []),
        );
        // What was superseded before its rollout was over stays where it is; nothing older than the last whole one does.
        const whole = [...served].filter((version) => storm.outcomeOf(version) !== 'Superseded');
        expect(whole.length, `seed ${seed}, class ${className}: ${[...served].join()}`).toBeLessThanOrEqual(1);
        if (!storm.isFlawed(asked, className)) expect([...served]).toEqual([asked]);
      }
      expect(
        names.filter((name) => fleet.slots(name).candidate !== undefined),
        `seed ${seed}, candidates`,
      ).toEqual([]);
    }
  });
});
