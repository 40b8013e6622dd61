import { describe } from 'vitest';
import { clientCases } from '../../support/kube/client-cases.ts';
import { startTestServer } from '../../support/standalone.ts';

describe('the client against the embedded server', () => {
  clientCases(async () => {
    const running = await startTestServer({ keptRevisions: 20 });
    return { admin: running.server.admin, close: () => running.close() };
  });
});
