// Everything on disk that the agent starts from.
import path from 'node:path';
import type { Logger } from 'pino';
import { BlobStore } from '../artifacts/blob-store.ts';
import { DesiredState } from '../assignment/desired-state.ts';
import { sweepAsides } from '../disk/atomic-file.ts';
import type { Disk } from '../disk/disk.ts';
import type { AgentOptions } from '../options.ts';
import { DayTotals } from '../record/day-totals.ts';
import { LearnedFile, type LearnedRecord } from '../record/learned-record.ts';

export interface AgentState {
  desired: DesiredState;
  store: BlobStore;
  learnedFile: LearnedFile;
  /** What was known when the agent started. */
  learned: LearnedRecord;
  days: DayTotals;
  storageBytes: number;
}

const defaultStorageBytes = 8 * 1024 ** 3;

/** @throws Error when the desired state is of another version of the agent. */
export async function openState(options: AgentOptions, { logger, disk }: { logger: Logger; disk: Disk }): Promise<AgentState> {
  const { dataDirectory, storageLimitBytes: storageBytes = defaultStorageBytes } = options;
  await sweepAsides(dataDirectory, disk);
  const desired = new DesiredState(dataDirectory, disk);
  await desired.open();
  const learnedFile = new LearnedFile(dataDirectory, disk);
  const learned = await learnedFile.read(logger);
  const store = new BlobStore({ directory: path.join(dataDirectory, 'artifacts'), quotaBytes: storageBytes, disk });
  await store.open();
  await store.prunePartial(desired.pinnedDigests());
  store.pinnedBy(() => desired.pinnedDigests());
  return { desired, store, learnedFile, learned, days: new DayTotals(learned.days), storageBytes };
}
