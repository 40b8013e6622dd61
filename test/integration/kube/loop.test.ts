import { describe } from 'vitest';
import { loopCases } from '../../support/kube/loop-cases.ts';
import { startTestServer } from '../../support/standalone.ts';

describe('the loop against the embedded server', () => {
  loopCases(async () => {
    const running = await startTestServer();
    return { admin: running.server.admin, close: () => running.close() };
  });
});
