// The key that a certificate is being asked for. The controller binds the device's name to it before the answer is on its way:
// asked again with another key, after a lost answer or a restart, it would take this board for a stranger.
import path from 'node:path';
import { makeDirectory, readText, writeFileAtomic } from '../disk/atomic-file.ts';
import { type Disk, systemDisk } from '../disk/disk.ts';
import { createDeviceKey } from './certificate-request.ts';

const fileName = 'pending-key.pem';

/** The key of the last call that was not answered, or a new one. PKCS#8 PEM. */
export async function pendingKey(directory: string, disk: Disk = systemDisk): Promise<string> {
  const file = path.join(directory, fileName);
  const known = await readText(file, disk);
  if (known !== undefined) return known;
  const key = createDeviceKey();
  await makeDirectory(directory, disk);
  await writeFileAtomic(file, key, 0o600, disk);
  return key;
}

/** After the identity that came of it is on disk. */
export async function forgetPendingKey(directory: string, disk: Disk = systemDisk): Promise<void> {
  await disk.remove(path.join(directory, fileName));
}
