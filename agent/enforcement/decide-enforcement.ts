// What this device itself does about a model that breaks its budget. Pure.
import type { Budget } from '../../crds/model-deployment.ts';

export type Enforcement =
  | { kind: 'none' }
  /** Back to the previous revision, until another one becomes active. */
  | { kind: 'rollback' }
  | { kind: 'stop' }
  /** Only so often that it keeps its power amounts. */
  | { kind: 'throttle' };

export interface Breach {
  /** Of the measured interval, not of one sample: several windows at least are behind it. */
  verdict: 'WithinBudget' | 'ExceedsBudget' | 'Uncertain' | 'Unknown';
  budget: Pick<Budget, 'enforcement' | 'whenExceeded'> | undefined;
  /** The controller can be reached, so that it decides about a rollback for the whole class. */
  online: boolean;
  hasPrevious: boolean;
}

export function decideEnforcement({ verdict, budget, online, hasPrevious }: Breach): Enforcement {
  if (verdict !== 'ExceedsBudget' || budget?.enforcement === 'Warn') return { kind: 'none' };
  switch (budget?.whenExceeded ?? 'Rollback') {
    case 'Stop':
      return { kind: 'stop' };
    case 'Rollback':
      if (online) return { kind: 'none' };
      return hasPrevious ? { kind: 'rollback' } : { kind: 'stop' };
    case 'Throttle':
      return { kind: 'throttle' };
    case 'Report':
      return { kind: 'none' };
  }
}
