import type { EnergyReading } from '../../../crds/model-instance.ts';
import type { Judgement } from '../../../energy/prediction/verdict.ts';

interface Measured {
  deviceName: string;
  reading: EnergyReading;
}

export type MeasuredVerdict = Omit<Judgement, 'reason'> & { reason: string; measured?: Measured };
