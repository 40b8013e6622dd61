// Which blobs to delete to make room: least recently used first, never one that a slot refers to.

export interface StoredBlob {
  digest: string;
  bytes: number;
  /** Milliseconds since the epoch. */
  lastUsed: number;
}

export type Eviction = { kind: 'fits'; evict: string[] } | { kind: 'full'; evictableBytes: number; pinnedBytes: number };

/** @param quotaBytes for all blobs together. @param neededBytes that the new blob will take. */
export function planEviction(
  blobs: readonly StoredBlob[],
  pinned: ReadonlySet<string>,
  quotaBytes: number,
  neededBytes: number,
): Eviction {
  let used = blobs.reduce((sum, blob) => sum + blob.bytes, 0);
  const evict: string[] = [];
  const free = blobs.filter((blob) => !pinned.has(blob.digest)).toSorted((a, b) => a.lastUsed - b.lastUsed);
  for (const blob of free) {
    if (used + neededBytes <= quotaBytes) break;
    evict.push(blob.digest);
    used -= blob.bytes;
  }
  if (used + neededBytes <= quotaBytes) return { kind: 'fits', evict };
  const evictableBytes = free.reduce((sum, blob) => sum + blob.bytes, 0);
  return { kind: 'full', evictableBytes, pinnedBytes: blobs.reduce((sum, blob) => sum + blob.bytes, 0) - evictableBytes };
}
