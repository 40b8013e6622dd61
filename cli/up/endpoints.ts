import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** DIR/endpoints.json: what scripts need to talk to a running `jouleops up`. */
export interface Endpoints {
  apiServer: string;
  web: string;
  devices: { name: string; class: string; simulated: boolean; url: string }[];
}

export async function writeEndpoints(dataDirectory: string, endpoints: Endpoints): Promise<void> {
  await writeWhole(join(dataDirectory, 'endpoints.json'), `${JSON.stringify(endpoints, null, 2)}\n`, 0o644);
}

/** Readers see the old file or the new one, never half of one. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
