// What this device has learned by running its models, kept over restarts: nothing here is wanted by anybody, all of it was measured.
import path from 'node:path';
import type { Logger } from 'pino';
import type { RevisionStatus } from '../../crds/model-instance.ts';
import { readJsonFile, writeFileAtomic } from '../disk/atomic-file.ts';
import { type Disk, systemDisk } from '../disk/disk.ts';
import type { BaselineRecord } from '../measurement/idle-baseline.ts';
import type { OperationWindow } from '../measurement/operation-windows.ts';
import type { StatisticsRecord } from '../serving/model-statistics.ts';
import type { DayTotal } from './day-totals.ts';
import type { PowerStretch } from './power-ledger.ts';

/** One revision of one instance, as it ran here. */
export interface RevisionRecord {
  instanceUid: string;
  revision: string;
  digest: string;
  /** Of the first load on this device, golden set included. */
  loadMilliseconds: number;
  statistics: StatisticsRecord;
  /** The result on this device, and what it holds for. */
  golden?: { result: NonNullable<RevisionStatus['golden']>; digest: string; runtime: string };
}

export interface LearnedRecord {
  version: 1;
  baselines: BaselineRecord[];
  revisions: RevisionRecord[];
  windows: { revision: string; windows: OperationWindow[] }[];
  days: DayTotal[];
  /** Absent in files of agents that did not judge power amounts. */
  power?: PowerStretch[];
}

const nothing: LearnedRecord = { version: 1, baselines: [], revisions: [], windows: [], days: [] };

/** `learned.json` in the data directory. */
export class LearnedFile {
  readonly #file: string;
  readonly #disk: Disk;
  #written = '';
  #writing: Promise<void> = Promise.resolve();

  constructor(directory: string, disk: Disk = systemDisk) {
    this.#file = path.join(directory, 'learned.json');
    this.#disk = disk;
  }

  /** A file that cannot be read is as good as none: all of it can be measured again, and a model must not wait for it. */
  async read(logger: Logger): Promise<LearnedRecord> {
    try {
      const stored = (await readJsonFile(this.#file, this.#disk)) as Partial<LearnedRecord> | undefined;
      if (stored === undefined) return nothing;
      const { version, baselines, revisions, windows, days } = stored;
      const lists = [baselines, revisions, windows, days];
      if (version !== 1 || !lists.every((list) => Array.isArray(list)))
        throw new Error(`${this.#file} is of another version of the agent`);
      return stored as LearnedRecord;
    } catch (error) {
      logger.warn({ err: error }, 'what this device had measured cannot be read; it is measured again');
      return nothing;
    }
  }

  /** Writes follow each other. The same again is not written. */
  save(record: LearnedRecord): Promise<void> {
    const text = JSON.stringify(record);
    const next = this.#writing.then(async () => {
      if (text === this.#written) return;
      await writeFileAtomic(this.#file, text, 0o644, this.#disk);
      this.#written = text;
    });
    this.#writing = next.catch(() => {});
    return next;
  }
}
