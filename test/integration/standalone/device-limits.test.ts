import { deviceCases } from '../../support/installation/device-cases.ts';
import { startTestServer } from '../../support/standalone.ts';

deviceCases('a device on the embedded server', async () => {
  const test = await startTestServer();
  return { admin: test.server.admin, close: () => test.close() };
});
