import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectClaims } from '../../support/callers/claims.ts';
import { type CallRecorder, recordCalls } from '../../support/callers/recorded-call.ts';
import { findProgram } from '../../support/clients/available.ts';
import { runCommand } from '../../support/clients/command.ts';
import { type ServedKubeconfig, startServedKubeconfig } from '../../support/clients/kubeconfig-file.ts';

const go = await findProgram('go', ['version']);

describe.skipIf(go === undefined)('client-go against the embedded control plane', () => {
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

  test('discovers, informs, applies and elects', async () => {
    const { code, stdout, stderr } = await runCommand('go', ['test', '-count=1', '-v', './...'], {
      directory: fileURLToPath(new URL('./go/', import.meta.url)),
      environment: { KUBECONFIG: served.kubeconfigPath },
      timeoutSeconds: 230, // an empty build cache compiles client-go first
    });
    expect(code, stdout + stderr).toBe(0);
    expect(stdout.match(/(?<=^--- PASS: )\w+/gm)).toEqual([
      'TestDiscoveryMapsKindsToResources',
      'TestInformerFollowsChanges',
      'TestApplyOwnsFields',
      'TestLeaderElectionHandsOver',
    ]);
  });

  test('calls what the embedded server has for it', () => expectClaims('client-go', recorder));
});
