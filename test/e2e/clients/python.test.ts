import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectClaims } from '../../support/callers/claims.ts';
import { type CallRecorder, recordCalls } from '../../support/callers/recorded-call.ts';
import { findPython } from '../../support/clients/available.ts';
import { runCommand } from '../../support/clients/command.ts';
import { type ServedKubeconfig, startServedKubeconfig } from '../../support/clients/kubeconfig-file.ts';
import { writeUntilExpired } from '../../support/clients/write-until-expired.ts';

const folder = fileURLToPath(new URL('./python/', import.meta.url));
const python = await findPython(join(folder, 'requirements.txt'));

describe.skipIf(python === undefined)('the Python client against the embedded control plane', () => {
  let served: ServedKubeconfig;
  let recorder: CallRecorder;
  beforeAll(async () => {
    served = await startServedKubeconfig({ keptRevisions: 20 });
    await writeUntilExpired(served.client);
    recorder = recordCalls(served.server.port);
  });
  afterAll(() => {
    recorder.stop();
    return served.close();
  });

  test('finishes its tour', async () => {
    const environment = { ...served.environment, PYTHONDONTWRITEBYTECODE: '1' };
    const tour = await runCommand(python ?? '', ['-m', 'unittest', '-v', 'tour'], { directory: folder, environment });
    expect(tour.code, tour.stderr).toBe(0);
    const declared = (await readFile(join(folder, 'tour.py'), 'utf8')).match(/(?<=def )test_\w+/g) ?? [];
    expect(tour.stderr.match(/(?<=^)test_\w+(?= .*\.\.\. ok$)/gm)).toEqual(declared.toSorted());
  });

  test('calls what the embedded server has for it', () => expectClaims('python', recorder));
});
