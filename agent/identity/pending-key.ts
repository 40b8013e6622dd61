// The key that a certificate is being asked for. The controller binds the device's name to it before the answer is on its way:
// asked again with another key, after a lost answer or a restart, it would take this board for a stranger.
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../disk/atomic-file.ts';
import { createDeviceKey } from './certificate-request.ts';

const fileName = 'pending-key.pem';

/** The key of the last call that was not answered, or a new one. PKCS#8 PEM. */
export async function pendingKey(directory: string): Promise<string> {
  const file = path.join(directory, fileName);
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (known !== undefined) return known;
  const key = createDeviceKey();
  await writeFileAtomic(file, key, 0o600);
  return key;
}

/** After the identity that came of it is on disk. */
export async function forgetPendingKey(directory: string): Promise<void> {
  await rm(path.join(directory, fileName), { force: true });
}
