import { deviceCases } from '../../support/installation/device-cases.ts';
import { startTestServer } from '../../support/standalone.ts';

deviceCases('a device on the embedded server', async () => {
  const { server, close } = await startTestServer();
  return { admin: server.admin, close };
});
