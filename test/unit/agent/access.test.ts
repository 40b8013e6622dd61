import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { prepareAccess } from '../../../agent/start/access.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

it('an authority of clients that is no certificate is refused by name: TLS would take it, and let nobody in', async () => {
  const dataDirectory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-access-'));
  const clientAuthorityFile = path.join(dataDirectory, 'ca.pem');
  await writeFile(clientAuthorityFile, 'not a certificate\n');
  const options = { name: 'board', dataDirectory, host: '0.0.0.0', clientAuthorityFile };
  await expect(prepareAccess(options, { clock: systemClock, logger: silentLogger })).rejects.toThrow(
    `--client-ca-file ${clientAuthorityFile} holds no certificate`,
  );
  await rm(dataDirectory, { recursive: true });
});
