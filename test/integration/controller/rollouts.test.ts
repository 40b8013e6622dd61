import { describe } from 'vitest';
import { startControlPlane } from '../../support/controller.ts';
import { rolloutCases } from '../../support/controller-cases/rollouts.ts';

describe('rollouts on the embedded control plane', () => {
  rolloutCases((options) => startControlPlane(options));
});
