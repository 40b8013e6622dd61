import { describe, expect, it } from 'vitest';
import { type Breach, decideEnforcement } from '../../../agent/enforcement/decide-enforcement.ts';

const breach = (more: Partial<Breach>): Breach => ({
  verdict: 'ExceedsBudget',
  budget: {},
  online: false,
  hasPrevious: true,
  ...more,
});

describe('what a device does about a broken budget', () => {
  it.each<[string, Partial<Breach>, string]>([
    ['goes back when it is offline and can', {}, 'rollback'],
    ['stops when it is offline and there is nothing to go back to', { hasPrevious: false }, 'stop'],
    ['leaves a rollback to the controller while that is there', { online: true }, 'none'],
    ['stops at once, online too, when the policy says Stop', { online: true, budget: { whenExceeded: 'Stop' } }, 'stop'],
    [
      'throttles by itself, online too, when the policy says Throttle',
      { online: true, budget: { whenExceeded: 'Throttle' } },
      'throttle',
    ],
    ['only reports when the policy says Report', { budget: { whenExceeded: 'Report' } }, 'none'],
    ['only warns when enforcement is Warn', { budget: { enforcement: 'Warn', whenExceeded: 'Stop' } }, 'none'],
    ['does nothing on an interval that straddles the budget', { verdict: 'Uncertain' }, 'none'],
    ['does nothing when it does not know', { verdict: 'Unknown' }, 'none'],
  ])('%s', (_, world, kind) => {
    expect(decideEnforcement(breach(world)).kind).toBe(kind);
  });
});
