import { describe, test } from 'vitest';
import { expectClaims } from '../../support/callers/claims.ts';
import { type CallRecorder, recordCalls } from '../../support/callers/recorded-call.ts';
import { clientCases } from '../../support/kube/client-cases.ts';
import { startTestServer } from '../../support/standalone.ts';

describe('the client against the embedded server', () => {
  let recorder: CallRecorder;
  clientCases(async () => {
    const running = await startTestServer({ keptRevisions: 20 });
    recorder = recordCalls(running.server.port);
    return {
      admin: running.server.admin,
      close: () => {
        recorder.stop();
        return running.close();
      },
    };
  });

  test('calls what the embedded server has for it', () => expectClaims('kube', recorder));
});
