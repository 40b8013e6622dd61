import { describe } from 'vitest';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { loopCases } from '../../support/kube/loop-cases.ts';

const plane = sharedControlPlane();

describe.skipIf(plane === undefined)('the loop against a real API server', () => {
  loopCases(async () => {
    if (plane === undefined) throw new Error('skipped without a control plane');
    return { admin: plane.admin, close: async () => undefined }; // shared: the set-up stops it
  });
});
