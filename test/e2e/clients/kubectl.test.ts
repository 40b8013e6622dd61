// The tour of a person with kubectl, as text. After a wanted change: `npm run test:e2e -- --update clients/kubectl`, and read the difference.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectClaims } from '../../support/callers/claims.ts';
import { type CallRecorder, recordCalls } from '../../support/callers/recorded-call.ts';
import { findProgram } from '../../support/clients/available.ts';
import { type ServedKubeconfig, startServedKubeconfig } from '../../support/clients/kubeconfig-file.ts';
import { playScript } from '../../support/clients/kubectl-script.ts';
import { files, steps } from './kubectl/tour.ts';

const kubectl = await findProgram('kubectl', ['version', '--client']);

describe.skipIf(kubectl === undefined)('kubectl against the embedded control plane', () => {
  let served: ServedKubeconfig;
  let recorder: CallRecorder;
  beforeAll(async () => {
    served = await startServedKubeconfig();
    recorder = recordCalls(served.server.port);
  });
  afterAll(() => {
    recorder.stop();
    return served.close();
  });

  test('shows, word for word, what the tour says', async () => {
    const transcript = await playScript(served, files, steps);
    await expect(transcript).toMatchFileSnapshot('kubectl/tour.golden.txt');
  });

  test('calls what the embedded server has for it', () => expectClaims('kubectl', recorder));
});
