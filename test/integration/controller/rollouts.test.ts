import { afterAll, describe, it } from 'vitest';
import { expectClaims } from '../../support/callers/claims.ts';
import { type CallRecorder, recordCalls } from '../../support/callers/recorded-call.ts';
import { startControlPlane } from '../../support/controller.ts';
import { rolloutCases } from '../../support/controller-cases/rollouts.ts';

describe('rollouts on the embedded control plane', () => {
  let recorder: CallRecorder;
  rolloutCases(async (options) => {
    const plane = await startControlPlane(options);
    recorder = recordCalls(plane.server.server.port);
    return plane;
  });
  afterAll(() => recorder.stop());

  it('calls what the embedded server has for controller and agents', () => expectClaims('product', recorder));
});
