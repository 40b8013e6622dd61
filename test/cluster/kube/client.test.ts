import { describe } from 'vitest';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { clientCases } from '../../support/kube/client-cases.ts';

const plane = sharedControlPlane();

describe.skipIf(plane === undefined)('the client against a real API server', () => {
  clientCases(async () => {
    if (plane === undefined) throw new Error('skipped without a control plane');
    return { admin: plane.admin, close: async () => undefined }; // shared: the set-up stops it
  });
});
