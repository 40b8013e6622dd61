// A model of this machine alone: no ModelVersion names it, its revision is named by its digest.
import { writeFile } from 'node:fs/promises';
import { digestOf } from '../../crds/digest.ts';
import type { Slot } from '../../crds/model-instance.ts';
import type { BlobStore } from './blob-store.ts';

/** Puts the bytes into the store. @returns the slot that loads them. */
export async function storeLocalModel(
  store: BlobStore,
  bytes: Uint8Array,
  about: Pick<Slot, 'variant' | 'runtime' | 'peakMemory'> & { name: string },
): Promise<Slot> {
  const digest = digestOf(bytes);
  if (!(await store.has(digest))) {
    await writeFile(store.partialPath(digest), bytes);
    await store.commit(digest);
  }
  const { name, ...slot } = about;
  const version = shortDigest(digest);
  return { revision: version, modelVersionName: name, modelVersion: version, digest, size: bytes.length, ...slot };
}

/** Ten hexadecimal digits: as a version, for models that declare none. */
export function shortDigest(digest: string): string {
  return digest.slice(7, 17);
}
